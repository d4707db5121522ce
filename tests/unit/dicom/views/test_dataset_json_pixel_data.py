"""What stands behind the pixel data as JSON; the pixels are not read."""

from __future__ import annotations

import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, JPEGBaseline8Bit

from dicomorph.dicom.views.dataset_json import dataset_json
from dicomorph.dicom.views.tags_view import TagsForm
from dicomorph.model.resources import Json
from tests.support.edits import WindowedSource
from tests.support.shown_elements import elements, file_of, shown


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
        source = WindowedSource(raw)
        found = dataset_json(source, form=TagsForm.SHORT, default_encoding="Latin1", whole=whole)
        assert found == expected == shown(raw, whole=whole)
        assert source.shown < 2_000_000
