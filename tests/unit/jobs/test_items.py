"""Which batches go through a map next."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.jobs.items import (
    MOST_FRUITLESS,
    EditCursor,
    encode_items,
    items_key,
    items_name,
    next_items,
    next_pass,
    read_edit_cursor,
    seconds_before,
)
from local.template import TEMPLATE
from tests.support.jobs import JOB

START = EditCursor()


def test_brief_batches_go_first_and_then_the_others() -> None:
    is_brief = [True, False, True]
    first = next_items(START, [0, 1, 2], is_brief, workers=5)
    assert first is not None
    assert (first.batches, first.after.is_brief) == ([0, 2], True)
    assert next_items(first.after, [1], is_brief, workers=5) is None
    others = next_pass(first.after, 1)
    assert others is not None
    assert seconds_before(others) == 0
    second = next_items(others, [1], is_brief, workers=5)
    assert second is not None
    assert (second.batches, second.after.is_brief, second.after.maps) == ([1], False, 2)


def test_what_has_no_outcome_goes_again_after_a_while_whatever_it_is() -> None:
    cursor = replace(START, number=2, batch=9, maps=2, left=1)
    again = next_pass(cursor, 2)
    assert again is not None
    assert again.is_again
    assert seconds_before(again) == 20
    items = next_items(again, [0, 1], [True, False], workers=1)
    assert items is not None
    assert (items.batches, items.after.is_brief, items.after.is_again) == ([0, 1], False, True)


def test_passes_end_when_nothing_is_left() -> None:
    assert next_pass(replace(START, number=2), 0) is None
    assert next_pass(START, 0) is None


def test_passes_that_lead_to_nothing_end_after_a_quarter_of_an_hour() -> None:
    cursor = replace(START, number=2, left=4)
    waits = []
    while (following := next_pass(cursor, 4)) is not None:
        cursor = following
        waits.append(seconds_before(cursor))
    assert len(waits) == MOST_FRUITLESS
    assert 600 < sum(waits) < 1200


def test_passes_that_lead_to_something_go_on() -> None:
    cursor = replace(START, number=2, left=99)
    for left in range(60, 10, -1):
        following = next_pass(cursor, left)
        assert following is not None
        assert seconds_before(following) == 20
        cursor = following


@given(st.integers(1, 20_000), st.integers(1, 1_000), st.sets(st.integers(0, 19_999), max_size=50))
def test_each_batch_without_an_outcome_is_in_one_map_of_a_pass(
    count: int, workers: int, done: set[int]
) -> None:
    left = [number for number in range(count) if number not in done]
    found: list[int] = []
    cursor, maps = START, 0
    while (items := next_items(cursor, left, [True] * count, workers=workers)) is not None:
        found += items.batches
        cursor, maps = items.after, maps + 1
    assert found == left
    assert maps <= 401


def test_a_cursor_passes_through_the_state_as_numbers() -> None:
    cursor = EditCursor(number=3, batch=7, maps=2, left=5, fruitless=1)
    state = json.loads(json.dumps({"phase": "edit", **cursor.to_json()}))
    assert read_edit_cursor(state) == cursor
    assert read_edit_cursor({}) == START


def test_the_items_of_each_map_are_a_document_of_their_own() -> None:
    job = replace(JOB, plan="9a", execution=2)
    items = next_items(START, [1], [False, True], workers=1)
    assert items is not None
    assert items_name(job, items.after) == "9a/2-1"
    assert items_key(job, items.after) == f"jobs/{job.id}/manifests/9a/2-1.json"
    assert json.loads(encode_items(job, items, [4, 3])) == [
        {"job": job.id, "batch": 1, "instances": 3, "pass": 1}
    ]


@pytest.mark.parametrize("number", [1, 2, 3])
def test_only_a_third_pass_is_one_again(number: int) -> None:
    assert EditCursor(number=number).is_again == (number == 3)


@pytest.mark.parametrize("workers", [100, 1_000, 10_000])
def test_what_a_map_collects_fits_into_the_state(workers: int) -> None:
    """Otherwise the execution fails with an error that no state can catch (States.DataLimitExceeded)."""
    machine = json.loads((TEMPLATE.parent / "statemachines/modification.asl.json").read_text("utf-8"))
    states = machine["States"]["EditBatches"]["ItemProcessor"]["States"]
    outputs = [state["Result"] for state in states.values() if state.get("End")]
    batches = range(300_000)
    items = next_items(START, batches, [True] * len(batches), workers=workers)
    assert items is not None
    assert len(json.dumps(outputs * len(items.batches), separators=(",", ":"))) < 256 * 1024
    assert len(items.batches) == min(20 * workers, 100_000)
