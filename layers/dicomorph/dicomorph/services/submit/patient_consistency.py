"""Keeping patients consistent when one of their studies is modified (spec 3.10.2b)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from dicomorph.deid.requests.modification import Modification
from dicomorph.dicom.standard.tags import PATIENT_ID, PATIENT_NAME, format_tag
from dicomorph.model.errors import BadParameterTypeError, BadRequestError
from dicomorph.model.identifiers import orthanc_id
from dicomorph.model.main_dicom_tags import MAIN_DICOM_TAGS
from dicomorph.model.resources import Json, Level, Resource
from dicomorph.services.backend import Backend
from dicomorph.services.browse.study_membership import study_of_each

_PATIENT_TAGS = MAIN_DICOM_TAGS[Level.PATIENT]


def check_patients(backend: Backend, modification: Modification, resource_ids: Sequence[str]) -> None:
    """Refuse to give a study to a patient that is described otherwise.

    Only modifications of studies that replace a main tag of the patient are looked at. The
    resources may be of other levels: what is said of a study holds for each that is touched.

    Raises
    ------
    BadParameterTypeError
        If the new PatientID is no string.
    BadRequestError
        If the patient has other studies, and the result would contradict its main tags.
    """
    replaced = modification.replaced_tags
    if modification.level is not Level.STUDY or replaced.keys().isdisjoint(_PATIENT_TAGS):
        return
    new_id = replaced.get(PATIENT_ID)
    if PATIENT_ID in replaced and not isinstance(new_id, str):
        raise BadParameterTypeError("The new PatientID must be a string")
    owners = _owners(backend, resource_ids)
    if isinstance(new_id, str):
        patients = _patients_named(new_id)
        owners = dict.fromkeys(owners, patients)
    wanted = sorted({patient for patients in owners.values() for patient in patients})
    contradicted = {
        patient.id: tag
        for patient in backend.index.catalogue.get_many(Level.PATIENT, wanted)
        if (tag := _contradicted(patient, replaced)) is not None
    }
    _refuse_others(backend, owners, contradicted)


def _owners(backend: Backend, resource_ids: Sequence[str]) -> dict[str, Collection[str]]:
    """Return the patient of each study that is touched."""
    found = list(backend.index.catalogue.find_many(resource_ids))
    studies = set(study_of_each(backend, found).values())
    for resource in found:
        if resource.level is Level.PATIENT:
            studies.update(backend.index.catalogue.children(Level.PATIENT, resource.id))
    held = backend.index.catalogue.get_many(Level.STUDY, sorted(studies))
    return {study.id: {study.parent or ""} for study in held}


def _patients_named(patient_id: str) -> Collection[str]:
    """Return the patients that may be meant; Orthanc overlooks leading spaces here, and only here."""
    name = patient_id.rstrip(" \0")
    return {orthanc_id(name), orthanc_id(name.lstrip(" "))}


def _contradicted(patient: Resource, replaced: Mapping[int, Json]) -> str | None:
    """Return a main tag that the result would contradict."""
    for tag in _PATIENT_TAGS:
        name = format_tag(tag)
        known = _essence(tag, patient.main_tags.get(name))
        if known != _essence(tag, replaced[tag]) if tag in replaced else known:
            return name
    return None


def _essence(tag: int, value: Json) -> Json:
    """Return what tells values apart: neither absence from emptiness, nor delimiters at the end of a name.

    PS3.5 6.2: trailing delimiters of components, and of component groups, may be left out.
    """
    if value is None:  # absent in the patient; null empties
        return ""
    if not isinstance(value, str):
        return value
    text = value.rstrip(" \0")
    if tag != PATIENT_NAME:
        return text
    return "=".join(group.rstrip("^ ") for group in text.split("=")).rstrip("=")


def _refuse_others(
    backend: Backend, owners: Mapping[str, Collection[str]], contradicted: Mapping[str, str]
) -> None:
    """Refuse contradictions of patients that have a study beside the one that is modified."""
    children: dict[str, list[str]] = {}
    for study, patients in owners.items():
        for patient in contradicted.keys() & patients:
            if patient not in children:
                children[patient] = backend.index.catalogue.children(Level.PATIENT, patient)
            if any(other != study for other in children[patient]):
                raise BadRequestError(
                    f"The patient has other studies, which {contradicted[patient]} would contradict; "
                    "give its present value, or modify the patient"
                )
