"""Every attribute that PS3.6 knows: those of which nobody speaks stay, wherever they stand."""

from __future__ import annotations

import pytest

from tests.profile.expectation import Expectations
from tests.profile.instances import CT
from tests.profile.objects import UNKNOWN_SOP_CLASS, overfull
from tests.profile.products import CHOICES, ENCODINGS, product
from tests.profile.verdicts import judged


@pytest.mark.slow
@pytest.mark.parametrize("options", CHOICES, ids="+".join)
def test_what_nobody_speaks_of_stays(options: tuple[str, ...]) -> None:
    number = CHOICES.index(options)
    sop_class, syntax = (CT, UNKNOWN_SOP_CLASS)[number % 2], ENCODINGS[number % 3]
    built = overfull(sop_class)
    assert len(built.keys) > 15_000
    verdict = judged(built, product(built.file(syntax), *options), Expectations(options), syntax)
    assert not verdict, verdict
