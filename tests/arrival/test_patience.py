"""When a file of a watched folder is taken, by a clock that the test sets."""

from __future__ import annotations

from dicomorph.embedded.arrivals.patience import Patience
from dicomorph.embedded.arrivals.sightings import Sighting

FILE = Sighting("a", "a", "1", 7)
GROWN = Sighting("a", "a", "2", 8)
EMPTY = Sighting("a", "a", "3", 0)


def test_a_file_is_taken_when_it_has_stayed_as_it_is() -> None:
    patience = Patience(5)
    assert patience.see([FILE], 0) == []
    assert patience.see([GROWN], 4) == []
    assert patience.see([GROWN], 8.9) == []
    assert patience.see([GROWN], 9) == [GROWN]


def test_a_file_that_was_closed_or_moved_in_is_taken_at_once() -> None:
    patience = Patience(5)
    patience.see([FILE], 0)
    patience.is_written("a")
    assert patience.may_be_written("a")
    patience.is_finished("a")
    assert patience.see([FILE], 0) == [FILE]
    assert not patience.may_be_written("a")


def test_an_empty_file_may_be_a_beginning() -> None:
    patience = Patience(5)
    patience.see([EMPTY], 0)
    patience.is_finished("a")
    assert patience.see([EMPTY], 1) == []
    assert patience.see([EMPTY], 5) == [EMPTY]


def test_where_events_were_lost_nothing_is_known_of_writers() -> None:
    patience = Patience(5)
    patience.see([FILE], 0)
    patience.is_written("a")
    patience.forget_events()
    assert not patience.may_be_written("a")
    assert patience.see([FILE], 4) == []


def test_a_file_that_somebody_has_open_waits_anew() -> None:
    patience = Patience(5)
    patience.see([FILE], 0)
    patience.is_busy(FILE, 5)
    assert patience.see([FILE], 9) == []
    assert patience.see([FILE], 10) == [FILE]


def test_what_fails_is_tried_again_less_and_less_often_and_never_given_up() -> None:
    patience = Patience(0)
    attempts = []
    for now in range(2000):
        for file in patience.see([FILE], now):
            attempts.append(now)
            patience.failed(file, now, "full")
    assert attempts[:6] == [0, 2, 6, 14, 30, 62]
    assert {later - earlier for earlier, later in zip(attempts[-3:], attempts[-2:], strict=False)} == {300}
    assert patience.reasons() == {"full": 1}
    assert patience.see([GROWN], 2000) == [GROWN]
    assert patience.see([], 2001) == []
    assert not patience.reasons()
