"""New identifiers are a function of the key and of the original alone."""

from __future__ import annotations

import hmac
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


def number(key: bytes, domain: bytes, original: str) -> int:
    """Return the number of a UUID of version 4 out of HMAC-SHA-256, as the standard library has both."""
    digest = hmac.digest(key, domain + b"\0" + original.encode(), "sha256")
    return uuid.UUID(bytes=digest[:16], version=4).int


@given(st.binary(min_size=16, max_size=200), st.text(max_size=64), st.integers(0, 3))
def test_new_identifiers_are_hmacs_of_the_originals(key: bytes, original: str, copy: int) -> None:
    mapper = IdentityMapper(key, copy=copy)
    for namespace in Namespace:
        domain = namespace.value
        if copy and namespace is Namespace.INSTANCE:
            domain += b" copy %d" % copy
        assert mapper.uid(namespace, original) == f"2.25.{number(key, domain, original)}"
    patient = uuid.UUID(int=number(key, b"patient id", original))
    assert mapper.patient_id(original) == str(patient)
    of_study = uuid.UUID(int=number(key, b"patient id of a study", original))
    assert mapper.patient_id_of_study(original) == str(of_study)


@pytest.mark.parametrize("size", [16, 63, 64, 65, 128])
def test_keys_of_every_size_count_as_a_whole(size: int) -> None:
    key = bytes(range(1, size + 1))
    keys = [key, key[:-1] + b"\xff", b"\xff" + key[1:], *([key[:64]] if size > 64 else [])]
    assert len({IdentityMapper(one).uid(Namespace.STUDY, "1.2.3") for one in keys}) == len(keys)
