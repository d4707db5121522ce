"""The same data set, as pydicom writes it in the other encoding."""

from __future__ import annotations

import pytest

from tests.support.recoded import ENCODINGS, PAIRS, body, file_of_every_vr, recoded


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_every_vr_at_every_depth_comes_out_as_pydicom_writes_it(one: str, other: str) -> None:
    assert body(recoded(file_of_every_vr(one), other)) == body(file_of_every_vr(other))


@pytest.mark.parametrize("syntax", ENCODINGS)
def test_a_data_set_stays_as_it_is_in_its_own_transfer_syntax(syntax: str) -> None:
    assert body(recoded(file_of_every_vr(syntax), syntax)) == body(file_of_every_vr(syntax))
