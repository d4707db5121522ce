"""In one namespace a UID becomes the same new one wherever it stands, and those of the standard stay."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.dicom.engine.edit_plan import REPLACE, Action, Rule
from dicomorph.dicom.engine.identity_mapper import IdentityMapper, Namespace
from dicomorph.dicom.standard.registered_uids import is_registered
from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT, Element
from tests.support.edits import KEY, edited
from tests.support.scopes import ruled
from tests.support.small_files import (
    FRAME_OF_REFERENCE,
    INSTANCE,
    PATIENT_ID,
    REFERENCED_INSTANCE,
    SERIES,
    STUDY,
    nested,
    small_file,
    value_of,
    values_of,
)

RULES = {
    INSTANCE: Rule(Action.MAP, Namespace.INSTANCE),
    STUDY: Rule(Action.MAP, Namespace.STUDY),
    SERIES: Rule(Action.MAP, Namespace.SERIES),
    PATIENT_ID: Rule(Action.MAP, Namespace.PATIENT),
    FRAME_OF_REFERENCE: Rule(Action.MAP, Namespace.INSTANCE),
    REFERENCED_INSTANCE: Rule(Action.MAP, Namespace.INSTANCE),
}
SYNTAXES = [EXPLICIT, IMPLICIT, BIG]
NEW = re.compile(rb"2\.25\.[1-9][0-9]*")
REGISTERED = [
    "1.2.840.10008.1.4.1.1",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.5.1.4.1.1.2",
    "1.2.840.10008.1.5.1",
]
DIGITS = st.text("0123456789", min_size=1, max_size=8).map(lambda text: str(int(text)))


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_reference_to_a_study_leads_to_the_study(syntax: str) -> None:
    """As those of RT structure sets, in an attribute for instances."""
    own = [Element(STUDY, "UI", "1.9"), Element(SERIES, "UI", "1.8"), Element(INSTANCE, "UI", "1.7")]
    inside = [Element(REFERENCED_INSTANCE, "UI", "1.9\\1.8\\1.7")]
    output = edited(small_file(*own, nested(*inside, depth=2), syntax=syntax), ruled(RULES))
    uids = [value_of(output, tag) for tag in (STUDY, SERIES, INSTANCE)]
    assert values_of(output, REFERENCED_INSTANCE) == [b"\\".join(uids)]
    assert len(set(uids)) == 3
    assert all(map(NEW.fullmatch, uids))


@pytest.mark.parametrize("uid", REGISTERED)
@pytest.mark.parametrize("syntax", SYNTAXES)
def test_registered_uids_stay(syntax: str, uid: str) -> None:
    elements = [Element(FRAME_OF_REFERENCE, "UI", uid)]
    data = small_file(*elements, nested(Element(REFERENCED_INSTANCE, "UI", f"{uid}\\1.2.3.4")), syntax=syntax)
    output = edited(data, ruled(RULES))
    assert value_of(output, FRAME_OF_REFERENCE) == uid.encode()
    kept, new = values_of(output, REFERENCED_INSTANCE)[0].split(b"\\")
    assert (kept, bool(NEW.fullmatch(new))) == (uid.encode(), True)


@given(uid=st.sampled_from(REGISTERED), more=st.lists(DIGITS, min_size=1, max_size=4))
def test_what_only_begins_like_a_registered_uid_is_replaced(uid: str, more: list[str]) -> None:
    whole = ".".join((uid, *more)).encode()
    new = IdentityMapper(KEY, one_namespace=True).uids(Namespace.INSTANCE)[whole]
    assert (new == whole) is is_registered(whole)
    assert new == whole or NEW.fullmatch(new)


def test_the_root_of_the_standard_alone_is_no_registered_uid() -> None:
    assert not is_registered(b"1.2.840.10008")
    assert not is_registered(b"1.2.840.10008.")
    assert not is_registered(b"1.2.840.10008.1.2.1 ")


def test_where_kinds_are_told_apart_registered_uids_are_replaced_as_ever() -> None:
    data = small_file(Element(FRAME_OF_REFERENCE, "UI", REGISTERED[0]))
    assert NEW.fullmatch(value_of(edited(data, ruled(RULES, one_namespace=False)), FRAME_OF_REFERENCE))


@pytest.mark.parametrize("vr", ["UI", "UN", "LO"])
def test_uids_that_are_none_are_replaced_all_the_same(vr: str) -> None:
    """Padded in any way, too long, with a name in them, empty among others."""
    mapper = IdentityMapper(KEY, one_namespace=True)
    odd = ["1." + "2" * 63, " 1.2.3 ", "1.2.3\0", "Secret^Name", "1.2.3\\\\ 1.4 ", "é.1", "1.2\\Secret"]
    for value in odd:
        raw = value.encode("latin-1") + b"\0" * (len(value) % 2)
        output = edited(small_file(nested(Element(REFERENCED_INSTANCE, vr, raw))), ruled(RULES))
        expected = [
            mapper.uid(Namespace.STUDY, part.strip(" \0")).encode() if part.strip(" \0") else b""
            for part in value.split("\\")
        ]
        assert values_of(output, REFERENCED_INSTANCE) == [b"\\".join(expected)]


def test_a_replaced_study_is_replaced_wherever_it_stands() -> None:
    data = small_file(Element(STUDY, "UI", "1.9"), nested(Element(REFERENCED_INSTANCE, "UI", "1.9")))
    engine = ruled(
        {**RULES, STUDY: REPLACE},
        in_items=RULES,
        replace={STUDY: "1.2.3.4"},
        references={STUDY: Namespace.STUDY},
    )
    assert values_of(edited(data, engine), REFERENCED_INSTANCE) == [b"1.2.3.4"]


def test_a_copy_has_a_uid_of_its_own_and_all_else_in_common() -> None:
    data = small_file(
        Element(INSTANCE, "UI", "1.7"),
        Element(STUDY, "UI", "1.9"),
        Element(FRAME_OF_REFERENCE, "UI", "1.5"),
        nested(Element(REFERENCED_INSTANCE, "UI", "1.9\\1.5\\1.7")),
    )
    first, second = (edited(data, ruled(RULES, copy=copy)) for copy in (0, 1))
    assert value_of(first, INSTANCE) != value_of(second, INSTANCE)
    for tag in (STUDY, SERIES, FRAME_OF_REFERENCE, PATIENT_ID):
        assert value_of(first, tag) == value_of(second, tag)
    assert values_of(first, REFERENCED_INSTANCE) == values_of(second, REFERENCED_INSTANCE)


def test_a_file_without_uids_gets_different_ones() -> None:
    data = small_file()
    for tag in (STUDY, SERIES):
        begin = data.index(bytes((tag >> 16 & 0xFF, 0, tag & 0xFF, 0)) + b"UI")
        length = int.from_bytes(data[begin + 6 : begin + 8], "little")
        data = data[:begin] + data[begin + 8 + length :]
    output = edited(data, ruled(RULES, required=frozenset((STUDY, SERIES))))
    uids = [value_of(output, tag) for tag in (STUDY, SERIES, INSTANCE)]
    assert len(set(uids)) == 3
    assert all(map(NEW.fullmatch, uids))


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_an_absent_patient_id_that_is_required_is_that_of_the_study(syntax: str) -> None:
    """As an empty one is (spec 3.7), so that both are one patient."""
    engine = ruled(RULES, required=frozenset((PATIENT_ID,)))
    absent = small_file(syntax=syntax)
    header = b"\0\x10\0\x20" if syntax == BIG else b"\x10\0\x20\0"
    begin = absent.index(header)
    absent = absent[:begin] + absent[begin + 12 :]
    made = edited(absent, engine)
    assert re.fullmatch(rb"[0-9a-f-]{36}", value_of(made, PATIENT_ID))
    empty = edited(small_file(Element(PATIENT_ID, "LO", b""), syntax=syntax), engine)
    assert value_of(made, PATIENT_ID) == value_of(empty, PATIENT_ID)
    other = absent.replace(b"1.2\0", b"1.9\0")
    assert value_of(edited(other, engine), PATIENT_ID) != value_of(made, PATIENT_ID)
