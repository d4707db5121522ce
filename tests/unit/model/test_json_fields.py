"""The names and types of fields in JSON requests."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.model.errors import BadFileFormatError, BadRequestError
from dicomorph.model.json_fields import read_boolean, read_text, refuse_misspelled
from dicomorph.model.resources import Json
from dicomorph.services.fields import MODIFICATION_FIELDS, check_field_names
from tests.support.growth import grows_with_its_size

ELSEWHERE = [
    *("Attachment", "CalledAet", "CaseSensitive", "Compress", "Content", "Encapsulate", "Expand"),
    *("Extended", "Filename", "Foo", "Full", "Host", "InterpretBinaryTags", "Labels", "LabelsConstraint"),
    *("Limit", "LimitToThisLevelMainDicomTags", "LocalAet", "Metadata", "MetadataQuery"),
    *("MoveOriginatorAet", "Normalize", "OrderBy", "Parent", "ParentPatient", "ParentSeries"),
    *("ParentStudy", "Peer", "Port", "Query", "ReconstructFiles", "RequestedTags", "ResponseContent"),
    *("RetrieveMethod", "Short", "Simplify", "Since", "StorageCommitment", "Tags", "TargetAet", "Timeout"),
    *("Url", "Username", "X"),
]
"""What requests to Orthanc's other routes have, and what none has."""


def test_an_absent_field_has_its_default() -> None:
    assert read_boolean({}, "Force", default=True)
    assert not read_boolean({"Force": False}, "Force", default=True)
    assert read_text({}, "Level", default="Study") == "Study"
    assert read_text({"Level": ""}, "Level", default="Study") == ""


@pytest.mark.parametrize("value", [None, 0, 1, "true", [], {}])
def test_nothing_else_stands_for_a_boolean(value: Json) -> None:
    with pytest.raises(BadFileFormatError, match="'Force' must be true or false"):
        read_boolean({"Force": value}, "Force", default=False)


@pytest.mark.parametrize("value", [None, 5, True, ["x"], {}])
def test_nothing_else_stands_for_a_text(value: Json) -> None:
    with pytest.raises(BadFileFormatError, match="'Level' must be a string"):
        read_text({"Level": value}, "Level")


@st.composite
def misspelled(draw: st.DrawFn) -> str:
    """Draw a known field with up to two slips, in any case."""
    name = draw(st.sampled_from(sorted(MODIFICATION_FIELDS)))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(name)))
        letter = draw(st.sampled_from([*string.ascii_letters, "-", " ", "é", ""]))
        name = name[:at] + letter + name[at + draw(st.integers(0, 1)) :]
    return draw(st.sampled_from([name, name.lower(), name.upper(), name.swapcase()]))


@given(misspelled())
def test_a_name_that_is_nearly_one_is_refused(name: str) -> None:
    if name in (*MODIFICATION_FIELDS, "Peer"):
        check_field_names({name: None})
        return
    with pytest.raises(BadRequestError) as caught:
        check_field_names({"Force": True, name: None})
    assert (caught.value.code, caught.value.details.split("'")[1] in MODIFICATION_FIELDS) == (8, True)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("Removed", "Remove"),
        ("remove", "Remove"),
        ("REPLACE", "Replace"),
        ("Kepe", "Keep"),
        ("keeps", "Keep"),
        ("KeepSources", "KeepSource"),
        ("Dicomversion", "DicomVersion"),
        ("Asynchronus", "Asynchronous"),
        ("Sychronous", "Synchronous"),
        ("KeepPrivateTag", "KeepPrivateTags"),
        ("Keep_Labels", "KeepLabels"),
    ],
)
def test_the_name_that_was_meant_is_told(name: str, meant: str) -> None:
    with pytest.raises(BadRequestError, match=f"misspelled: '{meant}' was probably meant"):
        check_field_names({name: [], "Force": True})


def test_what_is_written_in_place_of_a_name_is_not_repeated() -> None:
    with pytest.raises(BadRequestError) as caught:
        check_field_names({"Kemp": "Doe^Jane"})
    assert "Kemp" not in caught.value.details


def test_fields_of_other_routes_and_unknown_ones_pass() -> None:
    check_field_names(dict.fromkeys([*MODIFICATION_FIELDS, *ELSEWHERE, "", "é" * 100_000]))


def test_very_many_unknown_fields_take_time_as_they_grow_and_no_more() -> None:
    def check(body: dict[str, Json]) -> None:
        refuse_misspelled(body, MODIFICATION_FIELDS, others=())

    def named(count: int) -> dict[str, Json]:
        return dict.fromkeys(f"Keep{number:09}" for number in range(count))

    assert grows_with_its_size(check, named, size=200_000)
