"""On AWS, what a DELETE has begun is finished, whenever the process dies, and whoever goes on."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from dicomorph.model.errors import TransientError, UnknownResourceError
from dicomorph.model.resources import Level
from dicomorph.model.settings import OverwriteInstances
from dicomorph.services.erasure import erasing, records
from dicomorph.services.erasure.unfinished import finish_erasures
from dicomorph.services.store.delete_resource import delete_resource
from tests.support.api_client import make_dicom
from tests.workflows.aws_server import aws_server, clear
from tests.workflows.crashes import CrashError, Fuse, burn
from tests.workflows.embedded import Server
from tests.workflows.erasures import DEEDS, check, going, heads, later, run_schedule
from tests.workflows.meddling import before_nth, failing
from tests.workflows.scenarios import Uploads, keys_of
from tests.workflows.stack import Stack


def _cases(*quick: tuple[str, int]) -> pytest.MarkDecorator:
    """Take each deed with documents of one pin and of many; those that are not quick, when there is time."""
    every = [(name, chunk) for name in DEEDS for chunk in (1, 1_000)]
    slow = pytest.mark.slow
    marked = [pytest.param(*one, marks=[] if one in quick else [slow]) for one in every]
    return pytest.mark.parametrize(("name", "chunk"), marked)


@dataclass
class Visit(Fuse):
    """Lets something happen once, before one of the writes, which writes itself."""

    event: Callable[[], object] = field(kw_only=True, default=lambda: None)

    def write(self) -> None:
        self.writes += 1
        if self.writes == self.burns_at:
            self.burns_at = 0
            self.event()


@pytest.fixture
def _chunks(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    """Let documents have a few pins."""
    monkeypatch.setattr(records, "_PINS", chunk)
    monkeypatch.setattr(erasing, "_SERIES_AT_ONCE", chunk)


def _store(server: Server, patient: str) -> Uploads:
    """Store what `upload` does, in fewer calls, and an image of somebody else."""
    numbers = [(patient, 1, 1, 1), (patient, 1, 1, 2), (patient, 1, 2, 1), (patient, 2, 1, 1)]
    stack = Stack(server.backend)
    entries = [stack._put(make_dicom(*one)) for one in (*numbers, (f"{patient}-OTHER", 1, 1, 1))]
    server.backend.index.ingest.add(entries, overwrite=OverwriteInstances.NEVER)
    lines = [one.ancestry for one in entries[:4]]
    return [
        {
            "ID": line.instance,
            "ParentSeries": line.series,
            "ParentStudy": line.study,
            "ParentPatient": line.patient,
        }
        for line in lines
    ]


def _before_each_write(server: Server, fuse: Fuse) -> Iterator[tuple[Uploads, dict[str, str]]]:
    """Yield what is stored anew, with the fuse one write further each time, until it reaches none."""
    number = 0
    while fuse.writes >= number:
        clear()
        number += 1
        fuse.burns_at = 0
        stored = _store(server, f"PAT{number}")
        entries = keys_of(server)
        fuse.burns_at, fuse.writes = number, 0
        yield stored, entries


@_cases(("Instance", 1))
@pytest.mark.usefixtures("_chunks")
def test_a_call_killed_before_any_write_is_finished_by_its_repetition(name: str) -> None:
    with aws_server() as (server, clients):
        fuse = Fuse()
        burn(fuse, *clients)
        for stored, entries in _before_each_write(server, fuse):
            is_killed = True
            with suppress(CrashError):
                DEEDS[name](server.backend, stored)
                is_killed = False
            fuse.burns_at = 0
            if is_killed:
                DEEDS[name](server.backend, stored)  # found: no answer of 404 before all is erased
            run_schedule(server.backend)  # forgets documents without a head
            check(server, {one: key for one, key in entries.items() if one not in going(name, stored)})


@_cases(("Instance", 1_000))
@pytest.mark.usefixtures("_chunks")
def test_a_call_killed_before_any_write_is_finished_by_the_schedule_or_has_not_begun(name: str) -> None:
    ends = []
    with aws_server() as (server, clients):
        fuse = Fuse()
        burn(fuse, *clients)
        for stored, entries in _before_each_write(server, fuse):
            with suppress(CrashError):
                DEEDS[name](server.backend, stored)
            fuse.burns_at = 0
            is_begun = keys_of(server) != entries or heads(server) > 0
            ends.append(is_begun)
            run_schedule(server.backend)
            gone = going(name, stored) if is_begun else set()
            check(server, {one: key for one, key in entries.items() if one not in gone})
    assert ends == sorted(ends), "once begun, it is always finished"
    assert set(ends) == {False, True}


@_cases(("Instance", 1_000))
@pytest.mark.usefixtures("_chunks")
def test_a_schedule_killed_before_any_write_is_finished_by_the_next(name: str) -> None:
    with aws_server() as (server, clients):
        fuse = Fuse()
        burn(fuse, *clients)
        for stored, entries in _before_each_write(server, fuse):
            number, fuse.burns_at = fuse.burns_at, 0
            index = before_nth(server.backend.index, "remove_instances", 1, failing(TransientError()))
            with pytest.raises(TransientError):
                DEEDS[name](replace(server.backend, index=index), stored)
            fuse.burns_at, fuse.writes = number, 0
            with suppress(CrashError):
                finish_erasures(later(server.backend, minutes=2), seconds=60)
            writes, fuse.burns_at = fuse.writes, 0
            finish_erasures(later(server.backend, minutes=2), seconds=60)
            check(server, {one: key for one, key in entries.items() if one not in going(name, stored)})
            fuse.writes = writes


@_cases(("Instance", 1_000))
@pytest.mark.usefixtures("_chunks")
def test_what_is_uploaded_before_any_write_stays(name: str) -> None:
    """New versions of what goes, and another instance of its series."""
    with aws_server(overwrite_instances=OverwriteInstances.ALWAYS) as (server, clients):
        visit = Visit()
        burn(visit, *clients)
        for stored, entries in _before_each_write(server, visit):
            patient = f"PAT{visit.burns_at}"
            new: list[dict[str, Any]] = []

            def arrive(patient: str = patient, new: list[dict[str, Any]] = new) -> None:
                new.append(server.upload(1, patient=patient, StudyDescription="New"))
                new.append(server.upload(9, patient=patient))

            visit.event = arrive
            DEEDS[name](server.backend, stored)
            writes = visit.writes
            run_schedule(server.backend)
            expected = {one: key for one, key in entries.items() if one not in going(name, stored)}
            found = keys_of(server)
            arrived = {str(one["ID"]) for one in new}
            assert found.keys() == expected.keys() | arrived
            assert not {found[one] for one in arrived} & set(entries.values())
            check(server, found)
            visit.writes = 0 if visit.burns_at else writes


@pytest.mark.parametrize("other", ["the same", "schedule"])
@_cases(("Instance", 1_000))
@pytest.mark.usefixtures("_chunks")
def test_two_at_once_erase_what_one_would(name: str, other: str) -> None:
    with aws_server() as (server, clients):
        visit = Visit()
        burn(visit, *clients)
        for stored, entries in _before_each_write(server, visit):

            def rival(stored: Uploads = stored) -> None:
                if other == "schedule":
                    finish_erasures(later(server.backend, minutes=2), seconds=60)
                else:
                    with suppress(UnknownResourceError):
                        DEEDS[name](server.backend, stored)

            visit.event = rival
            DEEDS[name](server.backend, stored)
            writes = visit.writes
            run_schedule(server.backend)
            check(server, {one: key for one, key in entries.items() if one not in going(name, stored)})
            visit.writes = 0 if visit.burns_at else writes


# ------------------------------------------------------------------------- many


def _kill_at_random(server: Server, fuse: Fuse, study: str, *, mean: int) -> int:
    """Delete a study, killed again and again; every other time, the schedule goes on. Return how often."""
    dice = random.Random(7)  # noqa: S311 - the same kills each time
    kills = 0
    for turn in itertools.count():
        fuse.burns_at, fuse.writes = dice.randint(1, 2 * mean), 0
        try:
            if turn % 2:
                finish_erasures(later(server.backend, minutes=2), seconds=600)
            else:
                delete_resource(server.backend, Level.STUDY, study)
                return kills
        except CrashError:
            kills += 1
        except UnknownResourceError:
            break
    return kills


@pytest.mark.parametrize(
    ("images", "chunk", "mean"),
    [(40, 7, 6), pytest.param(20_000, 1_000, 1_200, marks=[pytest.mark.slow, pytest.mark.timeout(3_600)])],
)
def test_nothing_is_left_of_a_large_study_however_often_it_is_killed(
    images: int, chunk: int, mean: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "_PINS", chunk)
    with aws_server() as (server, clients):
        stack = Stack(server.backend)
        files = (make_dicom("PAT", 1, 1 + number // 500, number) for number in range(images))
        entries = [stack._put(file) for file in files]
        server.backend.index.ingest.add(entries, overwrite=OverwriteInstances.NEVER)
        study = entries[0].ancestry.study
        assert len(server.files()) == images
        fuse = Fuse()
        burn(fuse, *clients)
        assert _kill_at_random(server, fuse, study, mean=mean) > 5
        fuse.burns_at = 0
        run_schedule(server.backend)
        check(server, {})
