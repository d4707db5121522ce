"""What follows from the outcomes of a job."""

from __future__ import annotations

from dicomorph.jobs.model import BatchOutcome, InstanceOutcome
from dicomorph.jobs.summary import summarize
from dicomorph.model.resources import Ancestry, ObjectRef, Pin


def pin(name: str, series: str = "e") -> Pin:
    return Pin(Ancestry("p", "s", series, name), ObjectRef(f"key/{name}", "", 1))


def done(source: str, product: str, series: str = "e") -> InstanceOutcome:
    return InstanceOutcome(pin(source), pin(product, series))


def failed(source: str, code: int = 17) -> InstanceOutcome:
    return InstanceOutcome(pin(source), None, code)


def batches(*groups: tuple[InstanceOutcome, ...]) -> list[BatchOutcome]:
    return [BatchOutcome(number, group) for number, group in enumerate(groups)]


def test_instances_are_counted() -> None:
    found = summarize(batches((done("1", "x"), failed("2")), (failed("3"),)))
    assert (found.instances, found.failed) == (3, 2)
    assert summarize([]).instances == 0


def test_the_first_source_decides_wherever_it_is() -> None:
    found = summarize(batches((failed("4", 15), done("3", "x")), (done("2", "y"), failed("1", 17))))
    assert (found.failure, found.success) == (failed("1", 17), done("2", "y"))
    found = summarize(batches((done("1", "x"), done("1", "y"))))
    assert (found.failure, found.success) == (None, done("1", "x"))


def test_each_series_has_one_representative() -> None:
    found = summarize(batches((done("1", "x", "g"), done("2", "y", "f")), (done("3", "z", "g"), failed("4"))))
    assert found.series == {"g": (0, 0), "f": (0, 1)}
