"""What follows from the outcomes of a job."""

from __future__ import annotations

from dicomorph.jobs.model import InstanceOutcome
from dicomorph.jobs.summary import (
    first_failure,
    replaced_sources,
    series_representatives,
)
from dicomorph.model.resources import Ancestry, ObjectRef, Pin


def pin(name: str, series: str = "e") -> Pin:
    return Pin(Ancestry("p", "s", series, name), ObjectRef(f"key/{name}", "", 1))


def done(source: str, product: str, series: str = "e") -> InstanceOutcome:
    return InstanceOutcome(pin(source), pin(product, series))


def failed(source: str, code: int = 17) -> InstanceOutcome:
    return InstanceOutcome(pin(source), None, code)


def test_the_first_failure_decides() -> None:
    assert first_failure([done("1", "x"), failed("2", 15), failed("3", 17)]) == failed("2", 15)
    assert first_failure([done("1", "x")]) is None


def test_each_series_has_one_representative() -> None:
    found = series_representatives(
        [done("1", "x", "g"), done("2", "y", "f"), done("3", "z", "g"), failed("4")]
    )
    assert found == [pin("y", "f"), pin("x", "g")]


def test_sources_are_replaced_when_each_has_a_product_of_its_own() -> None:
    assert replaced_sources([done("1", "x"), done("2", "y")]) == [pin("1"), pin("2")]
    assert replaced_sources([done("1", "x"), failed("2")]) == []
    assert replaced_sources([done("1", "x"), done("2", "x")]) == []
    assert replaced_sources([done("1", "1"), done("2", "y")]) == [pin("2")]
    assert replaced_sources([done("1", "x"), done("1", "y")]) == [pin("1")]
