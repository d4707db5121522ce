"""What stands behind the pixel data as JSON; the pixels are not read."""

from __future__ import annotations

import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit

from dicomorph.dicom.dataset_json import TagsForm, dataset_json
from dicomorph.dicom.source import Buffer
from dicomorph.model.resources import Json
from tests.support.shown_elements import elements, file_of, shown


class FarSource:
    """A source that answers with what was asked for, and counts the bytes."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self.size = len(raw)
        self.read_bytes = 0

    def window(self, start: int, length: int) -> tuple[Buffer, int]:
        found = self._raw[start : start + length]
        self.read_bytes += len(found)
        return found, start

    def read(self, start: int, stop: int) -> bytes:
        return self._raw[start:stop]

    def close(self) -> None:
        pass


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, JPEGBaseline8Bit], ids=["native", "encapsulated"])
def test_what_stands_behind_the_pixel_data_is_shown_when_asked_and_pixels_are_not_read(syntax: str) -> None:
    pixels = bytes(3_000_000)
    dataset = elements(
        ("PatientName", "PN", "Doe"), (0xFFFCFFFC, "OB", b"padding!"), (0xFFFCFFFE, "LO", "end")
    )
    dataset.add_new(0x7FE00010, "OB", encapsulate([pixels]) if syntax == JPEGBaseline8Bit else pixels)
    dataset[0x7FE00010].is_undefined_length = syntax == JPEGBaseline8Bit
    raw = file_of(dataset, syntax)
    front: dict[str, Json] = {"0010,0010": "Doe", "7fe0,0010": None}
    for whole, expected in ((False, front), (True, front | {"fffc,fffc": None, "fffc,fffe": "end"})):
        source = FarSource(raw)
        found = dataset_json(source, form=TagsForm.SHORT, default_encoding="Latin1", whole=whole)
        assert found == expected == shown(raw, whole=whole)
        assert source.read_bytes < 2_000_000
