"""Whatever fails at whichever call: the file is taken once in the end, or set aside once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from dicomorph.model.errors import StorageFullError, TransientError
from dicomorph.model.resources import Level
from dicomorph.services.arrival.door import Door
from dicomorph.services.arrival.take import take
from tests.support.api_client import make_dicom
from tests.support.arrivals import Fault, House, house, zipped

ANONYMIZE: dict[str, Any] = {"": {"Anonymize": {}}}
EXPORT = {"": {"Anonymize": {}, "To": "research"}}
GOOD, BAD = make_dicom(), make_dicom()[:-1]
SAME = zipped({"1": GOOD, "2": make_dicom(StudyDescription="x"), "3": GOOD})  # by their identifiers
ARCHIVE = zipped({"a/": b"", "a/1": GOOD, "a/2": BAD, "DICOMDIR": b"x", "3": make_dicom(instance=2)})


class CrashError(BaseException):
    """The process is gone; nobody may catch it."""


ERRORS: dict[str, Callable[[], BaseException]] = {
    "crash": CrashError,
    "throttled": lambda: TransientError("Slow down"),
    "full": lambda: StorageFullError("No space is left"),
}
CASES: dict[str, tuple[dict[str, Any], bytes, tuple[int, int, int]]] = {
    # The rules, what arrives; what is then in the store, set aside, and in the target.
    "stored": ({}, GOOD, (1, 0, 0)),
    "anonymized": (ANONYMIZE, GOOD, (1, 0, 0)),
    "exported": (EXPORT, GOOD, (0, 0, 1)),
    "rejected": (ANONYMIZE, BAD, (0, 1, 0)),
    "archive": (ANONYMIZE, ARCHIVE, (2, 1, 0)),
    "exported archive": (EXPORT, ARCHIVE, (0, 1, 2)),
    "exported under the same identifiers": (EXPORT, SAME, (0, 0, 2)),
}


def _interruptions(
    home: House, rules: dict[str, Any], content: bytes, make: Callable[[], BaseException]
) -> Iterator[None]:
    """Yield after each interruption, one call later each time, and its repetition; until none strikes."""
    for number in count(1):
        arrived = home.place.bring("1", content)
        fault = Fault(number, make())
        with suppress(CrashError, TransientError, StorageFullError):
            take(fault.around(home.door(rules)), arrived)
        for _ in range(2):
            take(home.door(rules), arrived)
        yield
        if fault.calls < number:
            return


def _check(home: House, expected: tuple[int, int, int], runs: int) -> None:
    instances, rejected, exported = expected
    assert home.place.waiting() == 0
    assert home.instances == instances
    # Of each version that arrived, what was bad in it.
    assert len(home.rejected()) == rejected * runs
    target = home.targets["research"]
    assert len(list(target.store.keys(target.prefix))) == exported
    catalogue = home.backend.index.catalogue
    for instance in catalogue.ids(Level.INSTANCE):
        found = catalogue.get(Level.INSTANCE, instance)
        assert found is not None
        assert found.object is not None
        assert home.backend.objects.are_stored([found.object])


def _run(home: House, case: str, error: str) -> None:
    rules, content, expected = CASES[case]
    for runs, _ in enumerate(_interruptions(home, rules, content, ERRORS[error]), 1):
        _check(home, expected, runs)
    assert runs > 5


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("case", CASES)
def test_an_interruption_at_any_call_loses_and_doubles_nothing(tmp_path: Path, case: str, error: str) -> None:
    with house("folder", tmp_path) as home:
        _run(home, case, error)


def _taken_by_four(home: House, rules: dict[str, Any], content: bytes) -> None:
    """Let four functions take the same file at once, and again as long as one of them fails."""
    arrived, barrier = home.place.bring("1", content), Barrier(4)

    def attempt(door: Door) -> None:
        barrier.wait()
        for _ in range(100):
            with suppress(TransientError):
                take(door, arrived)
                return

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(attempt, home.door(rules)) for _ in range(4)]:
            done.result()


@pytest.mark.parametrize("case", CASES)
def test_many_who_take_a_file_at_once_take_it_once(tmp_path: Path, case: str) -> None:
    rules, content, expected = CASES[case]
    with house("folder", tmp_path) as home:
        for runs in range(1, 6):
            _taken_by_four(home, rules, content)
            _check(home, expected, runs)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("error", ["crash", "throttled"])
@pytest.mark.parametrize("case", CASES)
def test_an_interruption_at_any_call_of_aws_loses_and_doubles_nothing(
    tmp_path: Path, case: str, error: str
) -> None:
    with house("bucket", tmp_path) as home:
        _run(home, case, error)
