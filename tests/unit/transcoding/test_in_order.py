"""Several threads at work, results in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.transcoding import in_order as module
from dicomorph.transcoding.in_order import in_order as in_order_within
from dicomorph.transcoding.room import Room

T = TypeVar("T")


@pytest.fixture(autouse=True)
def _cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "cores", lambda: 4)


def in_order(work: Callable[[int], T], items: Iterable[int], *, most_in_flight: int) -> Iterator[T]:
    return in_order_within(work, items, most_in_flight=most_in_flight, room=Room(1 << 20), size=1)


@given(st.lists(st.integers(0, 3), max_size=30), st.integers(1, 9))
def test_results_come_in_the_order_of_the_items(delays: list[int], most: int) -> None:
    def work(item: int) -> int:
        time.sleep(delays[item] / 10_000)
        return item

    assert list(in_order(work, range(len(delays)), most_in_flight=most)) == list(range(len(delays)))


@pytest.mark.parametrize("most", [1, 2, 3, 8])
def test_no_more_items_are_taken_than_may_be_in_flight(most: int) -> None:
    taken = given_back = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(20):
            taken += 1
            assert taken - given_back <= most + 1
            yield number

    for _ in in_order(lambda item: item, items(), most_in_flight=most):
        given_back += 1
    assert given_back == 20


def test_items_are_taken_by_the_calling_thread_and_worked_on_by_others() -> None:
    takers, workers = set[int](), set[int]()

    def items() -> Iterator[int]:
        for number in range(8):
            takers.add(threading.get_ident())
            yield number

    def work(_: int) -> None:
        workers.add(threading.get_ident())

    list(in_order(work, items(), most_in_flight=4))
    assert takers == {threading.get_ident()}
    assert workers
    assert threading.get_ident() not in workers


def test_an_error_ends_the_work_and_leaves_no_thread() -> None:
    before, done = threading.active_count(), list[int]()

    def work(item: int) -> int:
        if item == 5:
            raise ValueError
        done.append(item)
        return item

    found = list[int]()
    with pytest.raises(ValueError, match=r"^$"):
        found.extend(in_order(work, range(1000), most_in_flight=3))
    assert max(done) < 10
    assert threading.active_count() == before


def test_who_stops_taking_results_leaves_no_thread() -> None:
    before = threading.active_count()
    found = in_order(lambda item: item, range(1000), most_in_flight=3)
    assert isinstance(found, Iterator)
    assert next(found) == 0
    del found
    assert threading.active_count() == before
