"""Many events in any order and several times each: exactly the right index, rejects and dead letters."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dicomorph import bootstrap
from dicomorph.aws.objects.source import RangedSource
from dicomorph.model.errors import TransientError
from dicomorph.model.resources import Level
from tests.support.api_client import make_dicom
from tests.support.arrival_trigger import BUCKET, Trigger, arrival_trigger

RULES = json.dumps({"ct/": {"Anonymize": {}}})
POISON = b"poison"  # marks objects that cannot be read


@pytest.fixture
def trigger(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trigger]:
    with arrival_trigger(monkeypatch, ARRIVAL_RULES=RULES) as found:
        yield found


def _unreadable(monkeypatch: pytest.MonkeyPatch, chance: Callable[[], bool]) -> None:
    """Let reads of some objects fail always, and of others now and then."""
    read = RangedSource.read

    def failing(self: RangedSource, start: int, stop: int) -> bytes:
        found = read(self, start, stop)
        if chance() or POISON in read(self, 0, self.size):
            raise TransientError("Object store: SlowDown")
        return found

    monkeypatch.setattr(RangedSource, "read", failing)


def _content(number: int) -> bytes:
    """Return what arrives: of forty objects one is poisoned, and four more are bad."""
    if number % 10 == 9:
        return (b"nothing", make_dicom(instance=number)[:-1])[number % 20 == 9]
    name = POISON.decode() if number % 40 == 3 else "Doe^Jane"
    return make_dicom(f"P{number % 5}", number % 5, 1, number, PatientComments=name)


def _stored(objects: set[int]) -> dict[str, int]:
    """Return what these objects leave in the index; those of even numbers are anonymized."""
    good = {number for number in objects if number % 10 != 9}
    kinds = {(number % 5, number % 2) for number in good}
    return {"Patient": len(kinds), "Study": len(kinds), "Series": len(kinds), "Instance": len(good)}


def _index() -> dict[str, int]:
    catalogue = bootstrap.get_backend().index.catalogue
    return {level.value: len(catalogue.ids(level)) for level in Level}


def _count(trigger: Trigger, prefix: str) -> Counter[str]:
    pages = trigger.s3.get_paginator("list_object_versions").paginate(Bucket=BUCKET, Prefix=prefix)
    keys = (one["Key"] for page in pages for one in page.get("Versions", ()) if one["IsLatest"])
    return Counter("reason" if key.endswith(".json") else "file" for key in keys)


def _deliver(trigger: Trigger, bodies: list[str]) -> None:
    """Put messages into the queue, some at a time: moto looks at all of them for each."""
    for start in range(0, len(bodies), 20):
        for body in bodies[start : start + 20]:
            trigger.tell(body)
        trigger.pump()


def _run(trigger: Trigger, monkeypatch: pytest.MonkeyPatch, objects: int, events: int) -> None:
    dice = random.Random(7)  # noqa: S311 - the same each time
    for number in range(objects):
        trigger.put(f"{'mr' if number % 2 else 'ct'}/Doe^Jane/{number}", _content(number))
    told = trigger.waiting()
    assert len(told) == objects
    trigger.queue("ArrivalQueue")._messages.clear()
    told += dice.choices(told, k=events - objects)
    dice.shuffle(told)
    with monkeypatch.context() as patch:
        _unreadable(patch, lambda: dice.random() < 0.003)
        _deliver(trigger, told)
    everything, poisoned = set(range(objects)), set(range(3, objects, 40))
    bad = sum(number % 10 == 9 for number in everything)
    assert _index() == _stored(everything - poisoned)
    assert _count(trigger, "rejected/") == {"file": bad, "reason": bad}
    assert _count(trigger, "incoming/") == {"file": len(poisoned)}
    letters = trigger.waiting("DeadArrivalQueue")
    assert len(set(letters)) == len(poisoned)
    assert "Doe" not in "".join(letters)
    # The reason is gone, and dead letters are moved back.
    _deliver(trigger, dice.sample(letters, len(letters)))
    assert _index() == _stored(everything)
    assert _count(trigger, "incoming/") == _count(trigger, "arrivals/") == {}
    _check_files(trigger)


def _check_files(trigger: Trigger) -> None:
    """Each entry has its file, and no file is without an entry."""
    catalogue = bootstrap.get_backend().index.catalogue
    found: Any = catalogue.get_many(Level.INSTANCE, catalogue.ids(Level.INSTANCE))
    assert len({one.object.key for one in found}) == _count(trigger, "instances/")["file"]


def test_fifty_events_for_twenty_objects_leave_what_twenty_do(
    trigger: Trigger, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run(trigger, monkeypatch, 20, 50)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_thousand_events_for_two_hundred_objects_leave_what_two_hundred_do(
    trigger: Trigger, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run(trigger, monkeypatch, 200, 1000)
