"""New identifiers are a function of the key and of the original alone."""

from __future__ import annotations

import re
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.dicom.engine.identity_mapper import IdentityMapper, Namespace

KEY = b"0123456789abcdef"
MAPPER = IdentityMapper(KEY)


@given(st.text(max_size=64), st.sampled_from(Namespace))
def test_new_uids_are_valid_and_repeatable(original: str, namespace: Namespace) -> None:
    new = MAPPER.uid(namespace, original)
    assert re.fullmatch(r"2\.25\.(0|[1-9][0-9]*)", new)
    assert len(new) <= 64
    assert IdentityMapper(KEY).uid(namespace, original) == new


@given(st.text(max_size=64))
def test_new_patient_ids_are_lower_case_uuids(original: str) -> None:
    new = MAPPER.patient_id(original)
    assert str(uuid.UUID(new)) == new
    assert uuid.UUID(new).version == 4


@given(st.lists(st.text(max_size=8), unique=True, min_size=2, max_size=20))
def test_different_originals_get_different_uids(originals: list[str]) -> None:
    assert len({MAPPER.uid(Namespace.STUDY, original) for original in originals}) == len(originals)


def test_namespaces_are_unrelated() -> None:
    found = {MAPPER.uid(namespace, "1.2.3") for namespace in Namespace}
    assert len(found) == len(Namespace)
    numbers = {int(uid.removeprefix("2.25.")) for uid in found}
    assert uuid.UUID(MAPPER.patient_id("1.2.3")).int not in numbers


def test_another_key_gives_another_identifier() -> None:
    assert IdentityMapper(KEY[::-1]).uid(Namespace.STUDY, "1") != MAPPER.uid(Namespace.STUDY, "1")


def test_the_mapping_does_not_change_between_releases() -> None:
    """A retried job may meet a worker of another release."""
    assert MAPPER.uid(Namespace.INSTANCE, "1.2.3") == "2.25.21448343971649764757297690699541981879"
    assert MAPPER.patient_id("P1") == "d690c88c-5031-434c-ab56-fbc93572ee51"


@pytest.mark.parametrize("key", [b"", b"short", b"fifteen bytes!!"])
def test_a_key_that_could_be_guessed_is_refused(key: bytes) -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        IdentityMapper(key)
