"""A study with an object of each kind that refers to others, in any encoding, and what its references name.

Two series of images, `CT` (two images) and `PET` (one), and objects in series of their own. Each
refers to images of both series, and to an instance that is stored nowhere (`ELSEWHERE`).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from pydicom import uid
from pydicom.dataset import Dataset, FileMetaDataset

CT, PET, ELSEWHERE = "1", "2", "9"  # numbers of series
SYNTAXES = (
    uid.ExplicitVRLittleEndian,
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.DeflatedExplicitVRLittleEndian,
)
_STUDY_MANAGEMENT = uid.UID("1.2.840.10008.3.1.2.3.1")
_SINGLE = (
    "MultiFrameSourceSOPInstanceUID",
    "SOPInstanceUIDOfConcatenationSource",
    "FailedSOPInstanceUIDList",
)
_OF_STUDIES = ("RTReferencedStudySequence", "ReferencedStudySequence")


class Leaf(NamedTuple):
    """A reference to an instance: the study and series that it names, empty if it does not."""

    study: str
    series: str
    instance: str


class Study:
    """Makes the files of a study.

    Parameters
    ----------
    number : int
        Tells its UIDs from those of others.
    """

    def __init__(self, number: int = 1, *, patient: str = "PAT") -> None:
        self.uid = f"1.2.826.0.1.3680043.8.498.{number}"
        self.frame = f"{self.uid}.0"
        self._patient = patient

    def series(self, number: str) -> str:
        return f"{self.uid}.{number}"

    def instance(self, series: str, number: int = 1) -> str:
        return f"{self.series(series)}.{number}"

    def images(self) -> list[Dataset]:
        """Return the images; the second one of CT refers to the other two."""
        images = [self._new(CT, 1), self._new(CT, 2), self._new(PET, 1)]
        images[1].ReferencedImageSequence = [self._to(CT, 1), self._to(PET, 1)]
        related = _item(StudyInstanceUID=self.uid, SeriesInstanceUID=self.series(PET))
        images[1].RelatedSeriesSequence = [related]
        images[1].RequestAttributesSequence = [_item(StudyInstanceUID=self.uid, RequestedProcedureID="1")]
        return images

    def objects(self) -> dict[str, Dataset]:
        """Return the other objects by kind; the number of the series is 10 and more."""
        made = {}
        for number, (kind, make) in enumerate(_KINDS.items(), start=10):
            made[kind] = self._new(str(number), 1)
            make(self, made[kind])
        return made

    def _new(self, series: str, number: int) -> Dataset:
        data = Dataset()
        data.SOPClassUID = uid.CTImageStorage
        data.SOPInstanceUID = self.instance(series, number)
        data.PatientID, data.PatientName = self._patient, "Doe^Jane"
        data.StudyInstanceUID, data.SeriesInstanceUID = self.uid, self.series(series)
        data.FrameOfReferenceUID = self.frame
        data.InstanceNumber = str(number)
        data.ReferencedStudySequence = [_reference(self.uid, _STUDY_MANAGEMENT)]
        return data

    def _to(self, series: str, number: int = 1) -> Dataset:
        return _reference(self.instance(series, number))

    def _of_series(self, series: str, sequence: str, numbers: Iterable[int] = (1,)) -> Dataset:
        item = _item(SeriesInstanceUID=self.series(series))
        setattr(item, sequence, [self._to(series, number) for number in numbers])
        return item

    def _all_series(self, sequence: str) -> list[Dataset]:
        return [
            self._of_series(CT, sequence, (1, 2)),
            self._of_series(PET, sequence),
            self._of_series(ELSEWHERE, sequence),
        ]

    def _evidence(self) -> list[Dataset]:
        item = _item(StudyInstanceUID=self.uid)
        item.ReferencedSeriesSequence = self._all_series("ReferencedSOPSequence")
        return [item]

    def presentation_state(self, data: Dataset) -> None:
        data.ReferencedSeriesSequence = self._all_series("ReferencedImageSequence")
        annotation = _item(ReferencedImageSequence=[self._to(CT, 2), self._to(PET)])
        data.GraphicAnnotationSequence = [annotation]

    def key_objects(self, data: Dataset) -> None:
        data.CurrentRequestedProcedureEvidenceSequence = self._evidence()
        data.IdenticalDocumentsSequence = self._evidence()
        data.ContentSequence = [
            _item(ValueType="IMAGE", ReferencedSOPSequence=[self._to(series)])
            for series in (CT, PET, ELSEWHERE)
        ]

    def report(self, data: Dataset) -> None:
        data.PertinentOtherEvidenceSequence = self._evidence()
        data.ReferencedRequestSequence = [_item(StudyInstanceUID=self.uid, AccessionNumber="1")]
        image = _item(ValueType="IMAGE", ReferencedSOPSequence=[self._to(CT, 2)])
        numbers = _item(ValueType="NUM", ContentSequence=[image])
        whole = [_item(ValueType="UIDREF", UID=one) for one in (self.series(PET), self.instance(PET), "1.2")]
        data.ContentSequence = [_item(ValueType="CONTAINER", ContentSequence=[numbers, *whole])]

    def segmentation(self, data: Dataset) -> None:
        data.ReferencedSeriesSequence = self._all_series("ReferencedInstanceSequence")
        frames = []
        for number in (1, 2, 1):
            derivation = _item(SourceImageSequence=[self._to(CT, number), self._to(PET)])
            frames.append(_item(DerivationImageSequence=[derivation], FrameContentSequence=[_item()]))
        data.PerFrameFunctionalGroupsSequence = frames
        shared = _item(ReferencedImageSequence=[self._to(PET)])
        data.SharedFunctionalGroupsSequence = [shared]

    def registration(self, data: Dataset) -> None:
        other = _item(StudyInstanceUID=self.uid)
        other.ReferencedSeriesSequence = self._all_series("ReferencedInstanceSequence")
        data.StudiesContainingOtherReferencedInstancesSequence = [other]
        moving = _item(FrameOfReferenceUID=self.frame, ReferencedImageSequence=[self._to(CT), self._to(PET)])
        data.RegistrationSequence = [moving]

    def structure_set(self, data: Dataset) -> None:
        study = _reference(self.uid, _STUDY_MANAGEMENT)
        study.RTReferencedSeriesSequence = self._all_series("ContourImageSequence")
        frame = _item(FrameOfReferenceUID=self.frame, RTReferencedStudySequence=[study])
        data.ReferencedFrameOfReferenceSequence = [frame]
        contours = [_item(ContourImageSequence=[self._to(CT, number)]) for number in (1, 2)]
        data.ROIContourSequence = [_item(ContourSequence=contours)]

    def plan(self, data: Dataset) -> None:
        data.ReferencedStructureSetSequence = [self._to("15")]
        data.ReferencedDoseSequence = [self._to("17")]

    def dose(self, data: Dataset) -> None:
        data.ReferencedRTPlanSequence = [self._to("16")]
        data.SourceImageSequence = [self._to(CT), self._to(ELSEWHERE)]

    def frame_extract(self, data: Dataset) -> None:
        data.FrameExtractionSequence = [_item(MultiFrameSourceSOPInstanceUID=self.instance(CT))]
        data.SOPInstanceUIDOfConcatenationSource = self.instance(PET)
        data.ReferencedSOPSequence = [
            _item(FailedSOPInstanceUIDList=[self.instance(PET), self.instance(ELSEWHERE)])
        ]


_KINDS: Mapping[str, Callable[[Study, Dataset], None]] = {
    "PR": Study.presentation_state,  # 10
    "KO": Study.key_objects,
    "SR": Study.report,
    "SEG": Study.segmentation,
    "REG": Study.registration,
    "RTSTRUCT": Study.structure_set,  # 15
    "RTPLAN": Study.plan,
    "RTDOSE": Study.dose,
    "MF": Study.frame_extract,
}
KINDS = tuple(_KINDS)


def encoded(data: Dataset, syntax: uid.UID = uid.ExplicitVRLittleEndian, *, undefined: bool = False) -> bytes:
    """Return a file; all sequences and items may be of undefined length."""
    if undefined:
        _undefine(data)
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = syntax
    data.file_meta.MediaStorageSOPClassUID = data.SOPClassUID
    data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
    stream = io.BytesIO()
    data.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def leaves(data: Dataset, study: str = "", series: str = "") -> Iterator[Leaf]:
    """Yield the references to instances in a data set, with the study and series around them."""
    for element in data:
        if element.keyword in _SINGLE:
            values = element.value if element.VM > 1 else [element.value]
            yield from (Leaf("", "", str(one)) for one in values)
        if element.VR != "SQ":
            continue
        for item in element.value:
            of_study = element.keyword in _OF_STUDIES
            inner = item.get("StudyInstanceUID", item.get("ReferencedSOPInstanceUID") if of_study else study)
            place = str(inner), str(item.get("SeriesInstanceUID", series))
            if "ReferencedSOPInstanceUID" in item and not of_study:
                yield Leaf(*place, str(item.ReferencedSOPInstanceUID))
            yield from leaves(item, *place)


def shape(data: Dataset) -> list[str]:
    """Return all elements but UIDs, with the depth at which they stand: what must never change."""
    return [
        f"{element.keyword} {element.value}" for element in data.iterall() if element.VR not in {"SQ", "UI"}
    ]


def _undefine(data: Dataset) -> None:
    for element in data:
        if element.VR == "SQ":
            element.is_undefined_length = True
            for item in element.value:
                item.is_undefined_length_sequence_item = True
                _undefine(item)


def _item(**values: object) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def _reference(instance: str, sop_class: uid.UID = uid.CTImageStorage) -> Dataset:
    return _item(ReferencedSOPClassUID=sop_class, ReferencedSOPInstanceUID=instance)
