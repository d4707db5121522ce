"""docs/profile.md and docs/safe-harbor.md say what is so."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset

from dicomorph.deid.editions.allow_list_file import read_allow_list, shipped_allow_list
from dicomorph.deid.requests import profile_choice
from dicomorph.deid.requests.modification import parse_modification
from dicomorph.model.errors import RefusedError
from dicomorph.model.settings import Settings
from tests.support.api_client import make_dicom
from tests.support.edits import anonymized

DOCS = Path(__file__).parents[2] / "docs"
PROFILE = (DOCS / "profile.md").read_text("utf-8")
SAFE_HARBOR = (DOCS / "safe-harbor.md").read_text("utf-8")
PRESET = {"Preset": "SafeHarbor"}
# What planted values are, by VR: nothing that a dummy happens to be.
PLANTED: dict[str, Any] = {
    "DA": "19710203",
    "TM": "040506",
    "DT": "19710203040506",
    "AS": "055Y",
    "UI": "1.2.3.99",
    "DS": "47.11",
    "UR": "https://planted.example",
}


ELSEWHERE = "PixelDataProviderURL"


def rows(text: str, heading: str) -> list[list[str]]:
    below = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in below.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def keywords() -> list[str]:
    found = (re.findall(r"`([A-Z]\w+)`", row[2]) for row in rows(SAFE_HARBOR, "The 18 identifiers"))
    return sorted({keyword for row in found for keyword in row})


def test_the_page_has_a_row_for_each_of_the_18_identifiers() -> None:
    assert [row[0] for row in rows(SAFE_HARBOR, "The 18 identifiers")] == list("ABCDEFGHIJKLMNOPQR")
    assert len(keywords()) > 80


def planted(keyword: str) -> Any:
    vr = dictionary_VR(keyword)
    if vr != "SQ":
        return PLANTED.get(vr, "Planted")
    item = Dataset()
    item.CodeMeaning = "Planted"
    return [item]


@pytest.mark.parametrize("sop_class", ["1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1", "1.2.3.4"])
def test_no_attribute_of_the_table_keeps_its_value(sop_class: str) -> None:
    values = {keyword: planted(keyword) for keyword in keywords() if keyword != ELSEWHERE}
    source = make_dicom(**{**values, "SOPClassUID": sop_class, "PatientID": "Planted"})
    product = anonymized(source, Profile=PRESET)
    data = pydicom.dcmread(io.BytesIO(product))
    kept = [keyword for keyword in values if keyword in data and data[keyword].value == values[keyword]]
    assert kept == []
    assert b"planted" not in product.lower()


def test_an_image_whose_pixels_lie_elsewhere_is_refused() -> None:
    with pytest.raises(RefusedError):
        anonymized(make_dicom(**{ELSEWHERE: planted(ELSEWHERE)}), Profile=PRESET)


def test_the_examples_are_read_as_they_stand() -> None:
    bodies = [
        json.loads(text)
        for text in re.findall(r"```json\n(.*?)```", PROFILE + SAFE_HARBOR, re.DOTALL)
        if "Profile" in text
    ]
    assert len(bodies) == 2
    for body in bodies:
        found = parse_modification(body, is_anonymization=True, level=None, settings=Settings())
        assert found.edition == "2026d"
        assert found.choice.age_cap


def test_the_example_of_a_list_is_one() -> None:
    [text] = [text for text in re.findall(r"```json\n(.*?)```", PROFILE, re.DOTALL) if "Tags" in text]
    assert len(read_allow_list("mine", text.encode()).tags) == len(json.loads(text)["Tags"])
    assert shipped_allow_list("research-images").tags
    assert "tables/allow_list_research_images.json" in PROFILE


def test_the_options_are_those_that_are_read() -> None:
    listed = {name.strip("`"): code.strip("`") for name, code, _ in rows(PROFILE, "Options")}
    assert listed == {name: option.value for name, option in profile_choice._OPTIONS.items()}
    assert all(f"`{name}`" in PROFILE for name in profile_choice._LATER)
    members = {
        row[0].strip("`")
        for row in rows(PROFILE.replace("# Choosing", "## Choosing"), "Choosing of the profile")
    }
    assert set(profile_choice._MEMBERS) <= members
