"""Requests of one shape share what the engine learnt, and nothing else."""

from __future__ import annotations

from dicomorph.dicom.engine import learnt
from tests.compat.data_sets import read_file
from tests.dicom_factory import EXPLICIT, Element, encode, part10, rich_file
from tests.support.edits import anonymized, modified, plan

NAME = 0x00100010


def test_requests_of_one_shape_share_their_rules() -> None:
    one, other = plan({"Replace": {"PatientName": "One"}}), plan({"Replace": {"PatientName": "Other"}})
    assert one.root is other.root
    assert plan({"Replace": {"PatientBirthDate": ""}}).root is not one.root


def test_values_of_one_request_never_reach_another() -> None:
    data = rich_file()
    for name in ("One", "Other", "One"):
        assert (
            read_file(modified(data, Replace={"PatientName": name})).tree[NAME].value.rstrip()
            == name.encode()
        )


def test_values_at_paths_never_reach_another_request() -> None:
    data = rich_file()
    for value in ("One", "Other"):
        output = anonymized(
            data, Replace={"ContentSequence[0].PatientComments": value}, Keep=["ContentSequence"]
        )
        assert value.encode() in output
        assert plan({"Remove": ["A010,1000"]}).root.replacements == {}


def test_what_is_learnt_is_bounded() -> None:
    elements = [Element(0x00080018, "UI", "1.2.3")]
    elements += [Element(0x00200000 | number, "LO", "") for number in range(0x4000, 0x4000 + 12_000)]
    root = plan({}).root
    modified(part10(encode(elements, EXPLICIT), EXPLICIT))
    anonymized(part10(encode(elements, EXPLICIT), EXPLICIT))
    limit = learnt.LEARNT
    assert root.learnt
    assert all(len(found) <= limit for learnt in root.learnt.values() for found in (learnt, learnt.top))
