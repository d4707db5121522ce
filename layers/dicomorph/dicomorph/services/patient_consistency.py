"""Keeping patients consistent when one of their studies is modified (spec 3.10.2b)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dicomorph.deid.identity import PATIENT_ID
from dicomorph.deid.requests import Modification
from dicomorph.dicom.elements import format_tag
from dicomorph.model.errors import BadParameterTypeError, BadRequestError
from dicomorph.model.identifiers import orthanc_id
from dicomorph.model.main_dicom_tags import MAIN_DICOM_TAGS
from dicomorph.model.resources import Json, Level, Resource
from dicomorph.services.backend import Backend

_PATIENT_TAGS = MAIN_DICOM_TAGS[Level.PATIENT]


def check_patients(backend: Backend, modification: Modification, study_ids: Sequence[str]) -> None:
    """Refuse to give a study to a patient that is described otherwise.

    Only modifications of studies that replace a main tag of the patient are looked at.

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
    for study_id in study_ids:
        study = backend.index.get(Level.STUDY, study_id)
        if study is not None:
            patient = orthanc_id(new_id.strip(" \0")) if isinstance(new_id, str) else study.parent or ""
            _check(backend.index.get(Level.PATIENT, patient), replaced, _others(backend, patient, study_id))


def _others(backend: Backend, patient_id: str, study_id: str) -> bool:
    """Tell whether a patient has a study beside this one."""
    return any(study != study_id for study in backend.index.children(Level.PATIENT, patient_id))


def _check(patient: Resource | None, replaced: Mapping[int, Json], has_others: bool) -> None:  # noqa: FBT001
    if patient is None or not has_others:
        return
    for tag in _PATIENT_TAGS:
        name = format_tag(tag)
        known, wanted = patient.main_tags.get(name), replaced.get(tag)
        agrees = known is not None and known == wanted if tag in replaced else not known
        if not agrees:
            raise BadRequestError(
                f"The patient has other studies, which {name} would contradict; give its present value, "
                "or modify the patient"
            )
