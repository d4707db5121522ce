"""Pixel data can be replaced only where nothing is compressed."""

from __future__ import annotations

import pytest

from dicomorph.model.errors import BadFileFormatError
from tests.compat.data_sets import read_file
from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, JPEG, rich_file
from tests.support.edits import modified

PIXELS = {"PixelData": "data:application/octet-stream;base64,AAECAw=="}


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
def test_native_pixel_data_are_replaced(syntax: str) -> None:
    tree = read_file(modified(rich_file(syntax=syntax), Replace=PIXELS)).tree
    # given in little endian, and words in the file
    assert tree[0x7FE00010].value == (b"\1\0\3\2" if syntax == BIG else bytes(range(4)))


def test_encapsulated_pixel_data_are_not() -> None:
    with pytest.raises(BadFileFormatError, match="compressed"):
        modified(rich_file(syntax=JPEG), Replace=PIXELS)
