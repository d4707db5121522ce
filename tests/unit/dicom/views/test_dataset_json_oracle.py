"""Data sets as JSON against pydicom's reading of the same files."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset

from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.resources import Json
from tests.support.shown_elements import shown

SHARED = Path(__file__).parents[5] / "shared/golden/visible/files"
TEXT_VRS = frozenset(re.findall("..", "AEASCSDADSDTISLOLTPNSHSTTMUCUIURUT"))
NUMBER_VRS = ["US", "SS", "UL", "SL", "UV", "SV", "FL", "FD"]


def oracle(dataset: Dataset) -> dict[str, Json]:
    """Return what the short form shows of a data set, with numbers as they are."""
    result: dict[str, Json] = {}
    for element in dataset:
        tag = f"{element.tag.group:04x},{element.tag.element:04x}"
        if element.tag.group == 2 or element.tag.element == 0:
            continue  # pydicom has no VR for the lengths of private groups
        if element.VR == "SQ":
            result[tag] = [oracle(item) for item in element.value]
        elif element.tag == 0x7FE00010 or element.VR not in (*TEXT_VRS, *NUMBER_VRS, "AT"):
            result[tag] = None
        else:
            result[tag] = value_of(element)
    return result


def value_of(element: pydicom.DataElement) -> Json:
    values = list(element.value) if element.VM > 1 else [element.value]
    if element.VR in TEXT_VRS:
        text = "\\".join(str(value) for value in values if value is not None)
        text = "\\".join(part.rstrip(" \0=") for part in text.split("\\"))
        return text if len(text.encode()) <= 256 else None
    if element.VM == 0:
        return None
    if element.VR == "AT":
        return "\\".join(f"{value >> 16:04x},{value & 0xFFFF:04x}" for value in values)
    shown = "\\".join(f"{value:.{9 if element.VR == 'FL' else 17}g}" for value in values)
    return [float(number) for number in shown.split("\\")] if len(shown) <= 256 else None


def comparable(value: Any, expected: Any) -> Any:
    """Return what was shown with its numbers cast as far as the oracle has numbers."""
    if isinstance(value, dict) and isinstance(expected, dict):
        return {
            tag: comparable(inner, expected.get(tag))
            for tag, inner in value.items()
            if not tag.endswith(",0000")
        }
    if isinstance(value, list) and isinstance(expected, list):
        return [comparable(inner, other) for inner, other in zip(value, expected, strict=True)]
    if isinstance(value, str) and isinstance(expected, list):
        return [float(number) for number in value.split("\\")]
    if isinstance(value, str):  # pydicom strips each of several values, and component groups of names
        return "\\".join(part.rstrip(" \0=") for part in value.split("\\"))
    return value


def bundled() -> list[Path]:
    found = (Path(pydicom.__file__).parent / "data").rglob("*.dcm")
    return sorted(path for path in found if path.stat().st_size < 150_000)


# Cut off, or without a beginning.
REFUSED = {
    "MR_truncated.dcm",
    "no_meta.dcm",
    "rtplan_truncated.dcm",
}


@pytest.mark.parametrize("path", [*bundled(), *sorted(SHARED.glob("*"))], ids=lambda path: path.name)
def test_files_show_what_pydicom_reads(path: Path) -> None:
    raw = path.read_bytes()
    if path.name in REFUSED:
        with pytest.raises(BadFileFormatError):
            shown(raw, whole=True)
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = oracle(pydicom.dcmread(path, force=True))
    assert comparable(shown(raw, whole=True), expected) == expected
