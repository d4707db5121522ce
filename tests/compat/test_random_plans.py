"""The engine and the oracle agree on requests and data sets that nobody thought of."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.compat.data_sets import comparable
from tests.compat.plans import Request
from tests.compat.strategies import SYNTAXES, Case, cases
from tests.compat.test_differential import difference, pair
from tests.support.edits import edited, modified


def compare(data: bytes, request: Request) -> None:
    engine, oracle = pair(request)
    assert not difference(data, engine, oracle)
    output = edited(data, engine)
    again = modified(output, Keep=["SOPInstanceUID"], Force=True)
    assert comparable(again) == comparable(output), "what came out is a file like any other"


@given(cases(), SYNTAXES)
def test_random_requests_do_alike(case: Case, syntax: str) -> None:
    compare(case.file(syntax), case.request)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@given(cases(), SYNTAXES)
def test_many_random_requests_do_alike(case: Case, syntax: str) -> None:
    compare(case.file(syntax), case.request)
