"""The table of risky SOP classes against the list of UIDs that pydicom brings along."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydicom._uid_dict import UID_dictionary

import dicomorph.deid
from dicomorph.deid.pixel_risks import pixel_risks

_TABLE = json.loads((Path(dicomorph.deid.__file__).parent / "tables" / "pixel_risks_2026d.json").read_text())
_NOT_RISKY = {"1.2.840.10008.5.1.4.1.1.77.1.5.3", "1.2.840.10008.5.1.4.1.1.77.1.5.8"}  # they have no pixels
_NEWER = {"1.2.840.10008.5.1.4.1.1.6.2"}
"""What a list of an older edition may lack."""


def _storage_classes() -> dict[str, str]:
    return {
        uid: row[0]
        for uid, row in UID_dictionary.items()
        if row[1] == "SOP Class" and uid.startswith("1.2.840.10008.5.1.4.1.1.")
    }


def test_all_classes_of_risky_kinds_are_in_the_table() -> None:
    kinds = ("Ultrasound", "Secondary Capture", "VL ", "Video", "Photograph", "Endoscop", "Microscopy Image")
    found = {uid for uid, name in _storage_classes().items() if any(kind in name for kind in kinds)}
    assert found - _NOT_RISKY <= _TABLE["classes"].keys()
    below = {uid for uid in _storage_classes() if uid.startswith("1.2.840.10008.5.1.4.1.1.77.")}
    assert below - _NOT_RISKY <= _TABLE["classes"].keys()


@pytest.mark.parametrize("part", ["slides", "volumes", "heads"])
def test_the_names_are_those_of_the_uids(part: str) -> None:
    for uid, name in _TABLE[part].items():
        assert UID_dictionary[uid][0].startswith(name.removesuffix(" (Retired)"))


def test_the_names_of_risky_classes_are_those_of_the_uids() -> None:
    for uid, row in _TABLE["classes"].items():
        if uid in UID_dictionary or uid not in _NEWER:
            assert UID_dictionary[uid][0].startswith(row["name"].removesuffix(" (Retired)"))
            assert ("Retired" in UID_dictionary[uid][3]) == row["name"].endswith("(Retired)")


def test_transfer_syntaxes_of_video_and_of_pixels_elsewhere_are_complete() -> None:
    syntaxes = {uid: row[0] for uid, row in UID_dictionary.items() if row[1] == "Transfer Syntax"}
    assert {uid for uid, name in syntaxes.items() if "JPIP" in name} <= pixel_risks().referencing_syntaxes
    video = {uid for uid, name in syntaxes.items() if "MPEG" in name or "HEVC" in name or "Video" in name}
    assert video <= pixel_risks().video_syntaxes
