"""A study whose objects point at one another: CT, structure set, segmentation, report, presentation state."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset

ROOT = "1.2.826.0.1.3680043.8.498.7"
STUDY = f"{ROOT}.1"
FRAME = f"{ROOT}.9"
CT_SERIES, SECOND_CT_SERIES = f"{STUDY}.1", f"{STUDY}.2"
_RT_REFERENCED_STUDY = "RTReferencedStudySequence"  # refers to a study by ReferencedSOPInstanceUID
_ROLES = {
    "StudyInstanceUID": "study",
    "SeriesInstanceUID": "series",
    "SOPInstanceUID": "instance",
    "ReferencedSOPInstanceUID": "instance",
    "FrameOfReferenceUID": "frame",
    "ReferencedFrameOfReferenceUID": "frame",
}


class Identifier(NamedTuple):
    """A UID in a file: where it stands, what it names, and its value."""

    path: tuple[str, ...]
    role: str
    value: str


def related_study() -> list[bytes]:
    """Return the files: two CT series of two images and one, and an object of each other kind."""
    files = [
        _image(CT_SERIES, 1),
        _image(CT_SERIES, 2),
        _image(SECOND_CT_SERIES, 1),
        _structure_set(),
        _segmentation(),
        _report(),
        _presentation_state(),
    ]
    return [_encoded(one) for one in files]


def identifiers(data: Dataset, path: tuple[str, ...] = ()) -> Iterator[Identifier]:
    """Yield what names a study, a series, an instance or a frame of reference, at every depth."""
    for element in data:
        if element.VR == "SQ":
            for index, item in enumerate(element.value):
                yield from identifiers(item, (*path, element.keyword, str(index)))
        elif element.keyword in _ROLES:
            is_study = element.keyword == "ReferencedSOPInstanceUID" and path[-2:-1] == (
                _RT_REFERENCED_STUDY,
            )
            role = "study" if is_study else _ROLES[element.keyword]
            yield Identifier((*path, element.keyword), role, str(element.value))


def dangling(files: Iterable[Dataset]) -> list[Identifier]:
    """Return the references that lead to none of the files."""
    found = [one for file in files for one in identifiers(file)]
    named = {(one.role, one.value) for one in found if len(one.path) == 1}
    return [one for one in found if (one.role, one.value) not in named]


def mapping(pairs: Iterable[tuple[Dataset, Dataset]]) -> dict[tuple[str, str], set[str]]:
    """Return what became of each identifier, over all pairs of a source and its product."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for source, product in pairs:
        new = {one.path: one.value for one in identifiers(product)}
        for one in identifiers(source):
            if one.path[0] != "ContentSequence":  # goes as a whole
                found[one.role, one.value].add(new[one.path])
    return dict(found)


def _new(sop_class: uid.UID, series: str, number: int) -> Dataset:
    data = Dataset()
    data.SOPClassUID = sop_class
    data.SOPInstanceUID = f"{series}.{number}"
    data.PatientID, data.PatientName = "RELATED", "Doe^Jane"
    data.StudyInstanceUID, data.SeriesInstanceUID = STUDY, series
    data.InstanceNumber = str(number)
    return data


def _image(series: str, number: int) -> Dataset:
    image = _new(uid.CTImageStorage, series, number)
    image.FrameOfReferenceUID = FRAME
    related = Dataset()
    related.StudyInstanceUID = STUDY
    related.SeriesInstanceUID = CT_SERIES if series == SECOND_CT_SERIES else SECOND_CT_SERIES
    image.RelatedSeriesSequence = [related]
    image.SourceImageSequence = [_reference(f"{CT_SERIES}.1")]
    return image


def _structure_set() -> Dataset:
    data = _new(uid.RTStructureSetStorage, f"{STUDY}.3", 1)
    series = _of_series("ContourImageSequence")
    study = _reference(STUDY, uid.UID("1.2.840.10008.3.1.2.3.1"))
    study.RTReferencedSeriesSequence = [series]
    frame = Dataset()
    frame.FrameOfReferenceUID = FRAME
    frame.RTReferencedStudySequence = [study]
    data.ReferencedFrameOfReferenceSequence = [frame]
    region = Dataset()
    region.ROINumber, region.ReferencedFrameOfReferenceUID = "1", FRAME
    data.StructureSetROISequence = [region]
    contour, contours = Dataset(), Dataset()
    contour.ContourImageSequence = [_reference(f"{CT_SERIES}.2")]
    contours.ContourSequence = [contour]
    data.ROIContourSequence = [contours]
    return data


def _segmentation() -> Dataset:
    data = _new(uid.SegmentationStorage, f"{STUDY}.4", 1)
    data.FrameOfReferenceUID = FRAME
    data.ReferencedSeriesSequence = [_of_series("ReferencedInstanceSequence")]
    derivation, frame = Dataset(), Dataset()
    derivation.SourceImageSequence = [_reference(f"{CT_SERIES}.1"), _reference(f"{CT_SERIES}.2")]
    frame.DerivationImageSequence = [derivation]
    data.PerFrameFunctionalGroupsSequence = [frame, frame]
    return data


def _report() -> Dataset:
    data = _new(uid.EnhancedSRStorage, f"{STUDY}.5", 1)
    evidence = Dataset()
    evidence.StudyInstanceUID = STUDY
    evidence.ReferencedSeriesSequence = [_of_series("ReferencedSOPSequence")]
    data.CurrentRequestedProcedureEvidenceSequence = [evidence]
    image = Dataset()
    image.ValueType = "IMAGE"
    image.ReferencedSOPSequence = [_reference(f"{CT_SERIES}.1")]
    data.ContentSequence = [image]
    return data


def _presentation_state() -> Dataset:
    data = _new(uid.GrayscaleSoftcopyPresentationStateStorage, f"{STUDY}.6", 1)
    data.ReferencedSeriesSequence = [_of_series("ReferencedImageSequence")]
    area = Dataset()
    area.ReferencedImageSequence = [_reference(f"{CT_SERIES}.2")]
    data.DisplayedAreaSelectionSequence = [area]
    return data


def _of_series(sequence: str) -> Dataset:
    """Return an item that refers to the first CT series, with its images in a sequence of this name."""
    item = Dataset()
    item.SeriesInstanceUID = CT_SERIES
    setattr(item, sequence, [_reference(f"{CT_SERIES}.1"), _reference(f"{CT_SERIES}.2")])
    return item


def _reference(instance: str, sop_class: uid.UID = uid.CTImageStorage) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = sop_class, instance
    return item


def _encoded(data: Dataset) -> bytes:
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    stream = io.BytesIO()
    data.save_as(stream, enforce_file_format=True)
    return stream.getvalue()
