"""Empty identifiers are nobody's: they stay empty, and nobody shares a pseudonym for having none."""

from __future__ import annotations

import json
from importlib import resources

import pytest

from dicomorph.deid.editions.profiles import EDITIONS
from tests.compat.data_sets import read_file
from tests.dicom_factory import BIG, DEFLATED, EXPLICIT, IMPLICIT, Element
from tests.support.edits import anonymized, edited, modified, rewriter
from tests.support.small_files import (
    FRAME_OF_REFERENCE,
    NAME,
    PATIENT_ID,
    REFERENCED_INSTANCE,
    STUDY,
    nested,
    small_file,
    tree_of,
    value_of,
    values_of,
)

SYNTAXES = [EXPLICIT, IMPLICIT, BIG, DEFLATED]
PADDINGS = [b"", b"\0\0", b"  "]


def mapped_uids(edition: str) -> list[int]:
    """Return the UIDs that an edition maps, but for those without which there is no file."""
    file = resources.files("dicomorph.deid") / "tables" / f"basic_profile_{edition}.json"
    tags = {int(tag, 16) for tag in json.loads(file.read_text())["replace_uid"]}
    return sorted(tag for tag in tags if tag >> 16 >= 0x0008)


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("edition", EDITIONS)
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_empty_uids_stay_empty_at_every_depth(syntax: str, edition: str, padding: bytes) -> None:
    elements = [Element(tag, "UI", padding) for tag in mapped_uids(edition)]
    own = (0x00080018, STUDY, 0x0020000E)
    top = [element for element in elements if element.tag not in own]
    output = anonymized(small_file(*top, nested(*elements, depth=2), syntax=syntax), DicomVersion=edition)
    assert {value for element in top for value in values_of(output, element.tag)} <= {b""}
    assert {values_of(output, tag)[-1] for tag in own if len(values_of(output, tag)) > 1} <= {b""}


@pytest.mark.parametrize("vr", ["UI", "UN", "LO"])
def test_an_empty_uid_under_another_vr_stays_empty(vr: str) -> None:
    output = anonymized(small_file(Element(FRAME_OF_REFERENCE, vr, b"")))
    assert value_of(output, FRAME_OF_REFERENCE) == b""


def test_of_several_uids_the_empty_ones_stay_empty() -> None:
    output = anonymized(small_file(nested(Element(REFERENCED_INSTANCE, "UI", "1.2\\\\1.3"))))
    first, second, third = values_of(output, REFERENCED_INSTANCE)[0].split(b"\\")
    assert first.startswith(b"2.25.")
    assert second == b""
    assert third.startswith(b"2.25.")


def patient(study: str, patient_id: bytes | None, syntax: str = EXPLICIT, vr: str = "LO") -> bytes:
    own = [] if patient_id is None else [Element(PATIENT_ID, vr, patient_id)]
    uids = [Element(STUDY, "UI", study), Element(0x00080018, "UI", f"{study}.1")]
    data = small_file(*own, *uids, Element(NAME, "PN", f"Somebody^{study}"), syntax=syntax)
    return data if patient_id is not None else anonymized_without_patient_id(data)


def anonymized_without_patient_id(data: bytes) -> bytes:
    """Return a file without PatientID, which `small_file` always writes."""
    before = b"\x10\0\x20\0LO\4\0PID "
    assert before in data
    return data.replace(before, b"")


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("vr", ["LO", "UN"])
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_persons_with_an_empty_patient_id_are_told_apart_by_study(
    syntax: str, vr: str, padding: bytes
) -> None:
    engine = rewriter({})
    studies = ["1.2.1", "1.2.1", "1.2.2", "1.2.3"]
    made = [edited(patient(study, padding, syntax, vr), engine) for study in studies]
    pseudonyms = [value_of(data, PATIENT_ID) for data in made]
    assert {len(one) for one in pseudonyms} == {36}
    assert pseudonyms[0] == pseudonyms[1]
    assert len(set(pseudonyms)) == 3
    named = edited(patient("1.2.9", b"1.2.1 "), engine)
    assert value_of(named, PATIENT_ID) not in pseudonyms, "a PatientID that looks like a study is none"
    assert read_file(made[0]).tree[PATIENT_ID].vr == "LO"


@pytest.mark.parametrize("edition", EDITIONS)
def test_an_absent_patient_id_stays_absent(edition: str) -> None:
    output = anonymized(patient("1.2.1", None), DicomVersion=edition)
    assert PATIENT_ID not in tree_of(output)


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("body", [{}, {"Replace": {"PatientID": "NEW"}, "Force": True}])
def test_nested_empty_patient_ids_stay_empty(body: dict[str, object], padding: bytes) -> None:
    data = small_file(Element(PATIENT_ID, "LO", padding), nested(Element(PATIENT_ID, "LO", padding), depth=2))
    assert values_of(anonymized(data, **body), PATIENT_ID)[1:] == [b""]


def test_what_is_kept_or_merely_modified_stays_empty() -> None:
    data = patient("1.2.1", b"")
    assert value_of(anonymized(data, Keep=["PatientID"], Force=True), PATIENT_ID) == b""
    assert value_of(modified(data), PATIENT_ID) == b""
