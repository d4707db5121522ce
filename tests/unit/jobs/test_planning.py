"""Cutting jobs into batches."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dicomorph.jobs.planning import PlannerLimits, Source, distinct_sources, number_batches, plan_batches
from dicomorph.model.resources import Ancestry, ObjectRef, Pin

LIMITS = PlannerLimits(batch_instances=3, batch_bytes=100, small_job_instances=2, small_job_bytes=100)


def pin(name: str, size: int = 1) -> Pin:
    return Pin(Ancestry("p", "s", "e", name), ObjectRef(f"key/{name}", "", size))


def names(*sources: Source) -> list[tuple[str, ...]]:
    return plan_batches(distinct_sources(sources), LIMITS)


def test_nothing_makes_no_batch() -> None:
    assert names() == []


def test_a_small_job_is_one_batch() -> None:
    assert names(("b", 1), ("a", 1)) == [("a", "b")]


def test_sources_are_taken_once_in_ascending_order() -> None:
    assert names(("d", 1), ("a", 1), ("c", 1), ("a", 1), ("b", 1)) == [("a", "b", "c"), ("d",)]


def test_a_batch_ends_before_it_is_too_large() -> None:
    assert names(("a", 60), ("b", 40), ("c", 1)) == [("a", "b"), ("c",)]


def test_a_large_instance_is_alone() -> None:
    assert names(("a", 1), ("b", 101), ("c", 1)) == [("a",), ("b",), ("c",)]
    assert names(("b", 101)) == [("b",)]


def test_batches_are_numbered_and_none_is_empty() -> None:
    chunks = [[pin("a")], [], [pin("b"), pin("c")]]
    batches = list(number_batches(chunks))
    assert [(batch.number, batch.pins) for batch in batches] == [
        (0, (pin("a"),)),
        (1, (pin("b"), pin("c"))),
    ]


def test_what_repeats_is_copied_again_in_the_order_given() -> None:
    sources = [("b", 1), ("a", 1), ("b", 1), ("b", 1), ("c", 1)]
    chunks = plan_batches(sources, LIMITS)
    assert chunks == [("b", "a", "b"), ("b", "c")]
    batches = number_batches([pin(name) for name in chunk] for chunk in chunks)
    assert [batch.copies for batch in batches] == [{2: 1}, {0: 2}]


@given(sizes=st.lists(st.integers(0, 150)))
def test_each_source_is_in_one_batch_within_the_limits(sizes: list[int]) -> None:
    sources = [(f"{number:03}", size) for number, size in enumerate(sizes)]
    chunks = plan_batches(distinct_sources(reversed(sources)), LIMITS)
    assert [name for chunk in chunks for name in chunk] == [name for name, _ in sources]
    for chunk in chunks:
        assert 1 <= len(chunk) <= 3
        assert len(chunk) == 1 or sum(sizes[int(name)] for name in chunk) <= 100
