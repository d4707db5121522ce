"""The tool that writes the tables of the conformant editions, over a standard of three attributes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from tools.confidentiality_tables import EDITIONS, tables

OPTIONS = ["retain_uids", "clean_graphics"]
ROWS = [
    {"tag": "60xx3000", "basic": "X", "retain_uids": None, "clean_graphics": "C"},
    {"tag": "0020000D", "basic": "U", "retain_uids": "K", "clean_graphics": None},
    {"tag": "00080050", "basic": "Z/D", "retain_uids": None, "clean_graphics": None},
]
TYPES = {
    "tags": ["00081140", "00081155", "60xx3000"],
    "types": ["1", "3"],
    "pool": [[1, 0, -1], [0, 1, 0, 2, 1, -1]],
    "modules": {"images": 1},
    "iods": {"image": [["images", "M"], ["of another edition", "U"]]},
    "sop_classes": {"1.2": "image"},
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    for edition in EDITIONS:
        table: dict[str, Any] = {"edition": edition, "columns": ["basic", *OPTIONS], "rows": ROWS}
        (tmp_path / f"confidentiality_profile_{edition}.json").write_text(json.dumps(table))
    (tmp_path / "iod_types.json.gz").write_bytes(gzip.compress(json.dumps(TYPES).encode()))
    roles = {"rows": [{"tag": "0020000D", "class": "instance"}, {"tag": "0008010C", "class": "well_known"}]}
    (tmp_path / "uid_attributes.json").write_text(json.dumps(roles))
    private = [
        {"group": "0019", "element": "0C", "private_creator": "MAKER B", "vr": "US"},
        {"group": "0009", "element": "10", "private_creator": "MAKER A", "vr": None},
    ]
    (tmp_path / "safe_private_attributes.json").write_text(json.dumps({"rows": private}))
    return tmp_path


def test_rows_are_written_by_tag_with_a_letter_for_each_option_that_speaks(source: Path) -> None:
    written = {name: json.loads(content) for name, content in tables(source).items() if name.endswith("json")}

    assert {name for name in written if name.startswith("conf")} == {
        f"confidentiality_profile_{edition}.json" for edition in EDITIONS
    }
    newest = written["confidentiality_profile_2026d.json"]
    assert newest["options"] == OPTIONS
    assert list(newest["rows"].items()) == [("00080050", "Z/D"), ("0020000d", "U K"), ("60xx3000", "X .C")]
    assert written["uid_attributes_2026d.json"]["roles"] == {"0008010c": "well_known", "0020000d": "instance"}


def test_types_are_a_tree_of_tags_without_repeating_groups_and_unknown_modules(source: Path) -> None:
    written = json.loads(gzip.decompress(tables(source)["iod_types_2026d.json.gz"]))

    assert written["nodes"] == [[0x00081155, 0, -1], [0x00081140, 1, 0]]
    assert written["iods"] == {"image": [[1, "M"]]}
    assert written["sop_classes"] == {"1.2": "image"}


def test_private_elements_are_written_by_group_last_byte_and_creator(source: Path) -> None:
    written = json.loads(tables(source)["safe_private_2026d.json"])

    assert list(written["vrs"].items()) == [("000910 MAKER A", ""), ("00190c MAKER B", "US")]


def test_the_same_facts_give_the_same_bytes(source: Path) -> None:
    assert tables(source) == tables(source)
