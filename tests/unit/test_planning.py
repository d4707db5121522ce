"""Cutting jobs into batches."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dicomorph.jobs.planning import PlannerLimits, distinct_sources, plan_batches
from dicomorph.model.resources import Ancestry, ObjectRef, Pin

LIMITS = PlannerLimits(batch_instances=3, batch_bytes=100, small_job_instances=2, small_job_bytes=100)


def pin(name: str, size: int = 1) -> Pin:
    return Pin(Ancestry("p", "s", "e", name), ObjectRef(f"key/{name}", "", size))


def names(*pins: Pin) -> list[list[str]]:
    batches = plan_batches(distinct_sources(pins), LIMITS)
    return [[pin.ancestry.instance for pin in batch.pins] for batch in batches]


def test_nothing_makes_no_batch() -> None:
    assert names() == []


def test_a_small_job_is_one_batch() -> None:
    assert names(pin("b"), pin("a")) == [["a", "b"]]


def test_sources_are_taken_once_in_ascending_order() -> None:
    assert names(pin("d"), pin("a"), pin("c"), pin("a"), pin("b")) == [["a", "b", "c"], ["d"]]


def test_a_batch_ends_before_it_is_too_large() -> None:
    assert names(pin("a", 60), pin("b", 40), pin("c", 1)) == [["a", "b"], ["c"]]


def test_a_large_instance_is_alone() -> None:
    assert names(pin("a"), pin("b", 101), pin("c")) == [["a"], ["b"], ["c"]]
    assert names(pin("b", 101)) == [["b"]]


def test_batches_are_numbered() -> None:
    batches = plan_batches([pin(f"{number:03}") for number in range(10)], LIMITS)
    assert [batch.number for batch in batches] == [0, 1, 2, 3]


def test_what_repeats_is_copied_again_in_the_order_given() -> None:
    pins = [pin("b"), pin("a"), pin("b"), pin("b"), pin("c")]
    batches = plan_batches(pins, LIMITS)
    assert [batch.pins for batch in batches] == [tuple(pins[:3]), tuple(pins[3:])]
    assert [batch.copies for batch in batches] == [{2: 1}, {0: 2}]


@given(sizes=st.lists(st.integers(0, 150)))
def test_each_source_is_in_one_batch_within_the_limits(sizes: list[int]) -> None:
    pins = [pin(f"{number:03}", size) for number, size in enumerate(sizes)]
    batches = plan_batches(distinct_sources(reversed(pins)), LIMITS)
    assert [pin for batch in batches for pin in batch.pins] == pins
    for batch in batches:
        assert 1 <= len(batch.pins) <= 3
        assert len(batch.pins) == 1 or sum(pin.object.size for pin in batch.pins) <= 100
