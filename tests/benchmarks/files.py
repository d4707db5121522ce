"""Images to measure with, alike in structure and size to those of scanners; the same at every run."""

from __future__ import annotations

import random
from collections.abc import Callable

from pydicom.datadict import dictionary_VR, tag_for_keyword

from tests.dicom_factory import EXPLICIT, IMPLICIT, Element, Items, encode, part10, rich, uid

MEGABYTE = 1 << 20
_PIXELS = 0x7FE00010
_IMAGE = "1.2.840.10008.5.1.4.1.1.2"

# What a CT scanner writes beside the attributes of `rich`.
_CT: dict[str, str | int | float] = {
    "ImageType": "ORIGINAL\\PRIMARY\\AXIAL\\CT_SOM5 SPI",
    "InstanceCreationDate": "20240311",
    "InstanceCreationTime": "101112.123",
    "SeriesDate": "20240311",
    "AcquisitionDate": "20240311",
    "ContentDate": "20240311",
    "StudyTime": "101112.120000",
    "SeriesTime": "101112.120000",
    "AcquisitionTime": "101112.120000",
    "ContentTime": "101112.120000",
    "AccessionNumber": "ACC0012345",
    "Manufacturer": "ACME MEDICAL",
    "InstitutionAddress": "12 Example Street",
    "StationName": "CTAWP73521",
    "SeriesDescription": "Thorax 1.0 I30f 3",
    "InstitutionalDepartmentName": "Radiology",
    "PhysiciansOfRecord": "Roe^Richard",
    "PerformingPhysicianName": "Poe^Paula",
    "OperatorsName": "Tech^Tim",
    "ManufacturerModelName": "Model X 128",
    "PatientAge": "063Y",
    "PatientSize": "1.68",
    "PatientComments": "some free text",
    "BodyPartExamined": "CHEST",
    "ScanOptions": "HELIX_CT",
    "SliceThickness": "1.0",
    "KVP": "120",
    "DataCollectionDiameter": "500",
    "DeviceSerialNumber": "73521",
    "SoftwareVersions": "X\\VB10A",
    "ProtocolName": "1_ROUTINE",
    "ReconstructionDiameter": "380",
    "DistanceSourceToDetector": "1085.6",
    "DistanceSourceToPatient": "595",
    "GantryDetectorTilt": "0",
    "TableHeight": "167",
    "RotationDirection": "CW",
    "ExposureTime": "500",
    "XRayTubeCurrent": "250",
    "Exposure": "125",
    "FilterType": "0",
    "GeneratorPower": "30",
    "FocalSpots": "1.2",
    "DateOfLastCalibration": "20240310",
    "TimeOfLastCalibration": "080000",
    "ConvolutionKernel": "I30f\\3",
    "PatientPosition": "HFS",
    "SingleCollimationWidth": 0.6,
    "TotalCollimationWidth": 38.4,
    "TableSpeed": 76.0,
    "TableFeedPerRotation": 38.4,
    "SpiralPitchFactor": 1.0,
    "CTDIvol": 8.4,
    "ExposureModulationType": "XYZ_EC",
    "StudyID": "42",
    "SeriesNumber": "3",
    "AcquisitionNumber": "3",
    "ImagePositionPatient": "-189.6\\-361.6\\-100.0",
    "ImageOrientationPatient": "1\\0\\0\\0\\1\\0",
    "PositionReferenceIndicator": "",
    "SliceLocation": "-100.0",
    "ImageComments": "comment",
    "SamplesPerPixel": 1,
    "PhotometricInterpretation": "MONOCHROME2",
    "PixelSpacing": "0.7421875\\0.7421875",
    "BitsStored": 12,
    "HighBit": 11,
    "PixelRepresentation": 0,
    "BurnedInAnnotation": "NO",
    "WindowCenter": "50\\-600",
    "WindowWidth": "350\\1200",
    "RescaleIntercept": "-1024",
    "RescaleSlope": "1",
    "RescaleType": "HU",
    "WindowCenterWidthExplanation": "WINDOW1\\WINDOW2",
    "LossyImageCompression": "00",
    "RequestingPhysician": "Req^Rita",
    "RequestedProcedureDescription": "CT Thorax",
    "CurrentPatientLocation": "WARD 7",
    "PerformedProcedureStepStartDate": "20240311",
    "PerformedProcedureStepStartTime": "100512",
    "PerformedProcedureStepID": "PPS77",
    "PerformedProcedureStepDescription": "thorax",
}


def ct(syntax: str = EXPLICIT, *, number: int = 1) -> bytes:
    """Return an image of half a megabyte with some 190 elements, blobs in a private block among them."""
    rng = random.Random(number)  # noqa: S311 - the same at every run
    private = [Element(0x00290010, "LO", "CSA HEADER"), Element(0x00291008, "CS", "IMAGE NUM 4")]
    private += [Element(0x00291010 + n, "LO", f"value {n}") for n in range(24)]
    private += [Element(0x00291080 + n, "OB", rng.randbytes(size)) for n, size in enumerate((4096, 2048))]
    image = [*_named(_CT), *_shape(512, 512), *private]
    return _file(image, rng.randbytes(1024) * 512, syntax, number)


def enhanced(frames: int = 2000) -> bytes:
    """Return a multi-frame image whose header holds some 60 elements a frame."""
    groups = Element(0x52009230, "SQ", [_frame(number) for number in range(frames)])
    return _file([*_shape(64, 64, frames), groups], bytes(8192) * frames)


def multi_frame(size: int, *, frames: int | None = None) -> bytes:
    """Return an image with native pixel data of some size, in frames of a megabyte."""
    shape = _shape(512, 1024, size // MEGABYTE if frames is None else frames)
    groups = Element(0x52009230, "SQ", [_frame(number) for number in range(400)])
    return _file([*shape, groups], bytes(size))


def structure_set(regions: int = 30, contours: int = 100, points: int = 60) -> bytes:
    """Return contours by the thousand, each with the image that it was drawn on."""
    rng = random.Random(1)  # noqa: S311 - the same at every run
    outlines: Items = []
    for region in range(regions):
        drawn: Items = [_contour(rng, slice_, points) for slice_ in range(contours)]
        outlines.append([Element(0x3006002A, "IS", f"255\\0\\{region}"), Element(0x30060040, "SQ", drawn)])
    images: Items = [_reference(3, slice_) for slice_ in range(contours)]
    study = [
        *_reference(1, 1),
        _one(0x30060014, Element(0x0020000E, "UI", uid(3)), Element(0x30060016, "SQ", images)),
    ]
    frame = _one(0x30060010, Element(0x00200052, "UI", uid(9)), _one(0x30060012, *study))
    named: Items = [
        [
            Element(0x30060022, "IS", str(n)),
            Element(0x30060024, "UI", uid(9)),
            Element(0x30060026, "LO", f"roi {n}"),
        ]
        for n in range(regions)
    ]
    return _file([frame, Element(0x30060020, "SQ", named), Element(0x30060039, "SQ", outlines)], b"")


def _contour(rng: random.Random, slice_: int, points: int) -> list[Element]:
    data = "\\".join(f"{rng.uniform(-200, 200):.2f}" for _ in range(3 * points))
    return [
        _one(0x30060016, *_reference(3, slice_)),
        Element(0x30060042, "CS", "CLOSED_PLANAR"),
        Element(0x30060046, "IS", str(points)),
        Element(0x30060050, "DS", data),
    ]


def _one(tag: int, *elements: Element) -> Element:
    return Element(tag, "SQ", [list(elements)])


def _reference(*numbers: int) -> list[Element]:
    return [Element(0x00081150, "UI", _IMAGE), Element(0x00081155, "UI", uid(5, *numbers))]


def _code(value: str) -> list[Element]:
    return [
        Element(0x00080100, "SH", value),
        Element(0x00080102, "SH", "DCM"),
        Element(0x00080104, "LO", "Purpose"),
    ]


def _frame(number: int) -> list[Element]:
    references: Items = [[*_reference(number // 50, n), _one(0x0040A170, *_code("121320"))] for n in range(4)]
    numbers = [Element(0x00189000 + n, "FD", float(n)) for n in range(2, 21) if n != 6]
    times = [Element(0x00189074, "DT", "20200101120000"), Element(0x00209056, "SH", "1")]
    return [
        Element(0x00081140, "SQ", references),
        _one(0x00189301, *numbers),
        _one(0x00209111, *times, Element(0x00209057, "UL", number)),
        _one(0x00209113, Element(0x00200032, "DS", f"0\\0\\{number}")),
        _one(0x00289110, Element(0x00180050, "DS", "1.5"), Element(0x00280030, "DS", "0.5\\0.5")),
    ]


def _shape(rows: int, columns: int, frames: int = 1) -> list[Element]:
    """Return the size of an image with two bytes a pixel."""
    return [
        Element(0x00280008, "IS", str(frames)),
        Element(0x00280010, "US", rows),
        Element(0x00280011, "US", columns),
        Element(0x00280100, "US", 16),
    ]


def _named(values: dict[str, str | int | float]) -> list[Element]:
    found = []
    for keyword, value in values.items():
        tag = tag_for_keyword(keyword)
        assert tag is not None, keyword
        found.append(Element(tag, dictionary_VR(tag), value))
    return found


def _file(more: list[Element], pixels: bytes, syntax: str = EXPLICIT, number: int = 1) -> bytes:
    elements = {element.tag: element for element in rich(instance=number) if element.tag < _PIXELS}
    elements |= {element.tag: element for element in more}
    if pixels:
        elements[_PIXELS] = Element(_PIXELS, "OW", pixels)
    return part10(encode([elements[tag] for tag in sorted(elements)], syntax), syntax)


# Each makes the files that one engine edits one after the other.
FILES: dict[str, Callable[[], list[bytes]]] = {
    "ct": lambda: [ct()],
    "ct-implicit": lambda: [ct(IMPLICIT)],
    "ct-series": lambda: [ct(number=number) for number in range(20)],
    "enh2000": lambda: [enhanced()],
    "rtstruct": lambda: [structure_set()],
    "mf50": lambda: [multi_frame(50 * MEGABYTE)],
}
