"""On AWS, what a DELETE has begun is finished, whenever the process dies, and whoever goes on."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from dicomorph.model.errors import InternalError, TimeLimitError, TransientError, UnknownResourceError
from dicomorph.model.resources import LEVELS, Level, ObjectRef
from dicomorph.model.settings import OverwriteInstances
from dicomorph.services.backend import Backend
from dicomorph.services.erasure import deadline, erasing, records
from dicomorph.services.erasure.unfinished import finish_erasures
from dicomorph.services.store.bulk_delete import bulk_delete
from dicomorph.services.store.delete_resource import delete_resource
from dicomorph.services.work.plan_job import plan_job
from tests.contract.indexes import assert_hierarchy_is_true
from tests.support.api_client import make_dicom
from tests.workflows.aws_server import aws_server, clear
from tests.workflows.crashes import CrashError, Fuse, burn
from tests.workflows.embedded import Server
from tests.workflows.meddling import before_nth, failing
from tests.workflows.scenarios import SCENARIOS, Uploads, keys_of, upload, work
from tests.workflows.stack import Stack

Deed = Callable[..., object]


def _delete(level: Level) -> Deed:
    named = {Level.INSTANCE: "ID"}.get(level, f"Parent{level.value}")
    return lambda backend, stored, **time: delete_resource(backend, level, stored[0][named], **time)


def _delete_many(backend: Backend, stored: Uploads, **time: Any) -> None:
    named = [stored[0]["ParentSeries"], {"Level": "Instance", "ID": stored[3]["ID"]}, stored[2]["ID"]]
    bulk_delete(backend, {"Resources": [*named, "unknown", stored[2]["ID"]]}, **time)


DEEDS: dict[str, Deed] = {**{level.value: _delete(level) for level in LEVELS}, "bulk": _delete_many}
GOING = {"Instance": 1, "Series": 2, "Study": 3, "Patient": 4, "bulk": 4}
"""How many of the four uploads go."""


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


def later(backend: Backend, **time: float) -> Backend:
    """Return a backend whose clock is ahead."""
    return replace(backend, now=lambda: datetime.now(UTC) + timedelta(**time))


def run_schedule(backend: Backend) -> None:
    """Do what the function does some time later, and what it does in the end."""
    for time in ({"minutes": 2}, {"hours": 2}):
        finish_erasures(later(backend, **time), seconds=60)


def documents(server: Server) -> list[str]:
    return list(server.backend.objects.keys("erasures/"))


def heads(server: Server) -> int:
    return sum(key.endswith("/head.json") for key in documents(server))


def check(server: Server, entries: dict[str, str]) -> None:
    """The entries are these, each has its object, and nothing else is left."""
    assert keys_of(server) == entries
    assert server.files() == sorted(entries.values())
    assert documents(server) == []
    assert_hierarchy_is_true(server.backend.index)


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


@_cases(("Series", 1), ("bulk", 1_000))
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
            check(server, {one: key for one, key in entries.items() if one not in _going(name, stored)})


@_cases(("Series", 1))
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
            going = _going(name, stored) if is_begun else set()
            check(server, {one: key for one, key in entries.items() if one not in going})
    assert ends == sorted(ends), "once begun, it is always finished"
    assert set(ends) == {False, True}


@_cases(("Series", 1))
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
            check(server, {one: key for one, key in entries.items() if one not in _going(name, stored)})
            fuse.writes = writes


@_cases(("Series", 1_000))
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
            expected = {one: key for one, key in entries.items() if one not in _going(name, stored)}
            found = keys_of(server)
            arrived = {str(one["ID"]) for one in new}
            assert found.keys() == expected.keys() | arrived
            assert not {found[one] for one in arrived} & set(entries.values())
            check(server, found)
            visit.writes = 0 if visit.burns_at else writes


@pytest.mark.parametrize("other", ["the same", "schedule"])
@_cases(("Study", 1_000))
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
            check(server, {one: key for one, key in entries.items() if one not in _going(name, stored)})
            visit.writes = 0 if visit.burns_at else writes


def _going(name: str, stored: Uploads) -> set[str]:
    return {one["ID"] for one in stored[: GOING[name]]}


# ---------------------------------------------------------------------- answers


@pytest.mark.parametrize("level", LEVELS)
def test_a_repetition_names_the_ancestor_that_remains(level: Level) -> None:
    with aws_server() as (server, _):
        stored = upload(server)
        server.upload(7, patient="PAT", study=1, series=1)
        expected = {
            Level.INSTANCE: ("Series", stored[0]["ParentSeries"]),
            Level.SERIES: ("Study", stored[0]["ParentStudy"]),
            Level.STUDY: ("Patient", stored[0]["ParentPatient"]),
        }.get(level)
        objects = before_nth(server.backend.objects, "discard", 1, failing(TransientError()))
        with pytest.raises(TransientError):
            DEEDS[level.value](replace(server.backend, objects=objects), stored)
        answer: Any = DEEDS[level.value](server.backend, stored)
        remaining = answer["RemainingAncestor"]
        assert (remaining and (remaining["Type"], remaining["ID"])) == expected
        with pytest.raises(UnknownResourceError):
            DEEDS[level.value](server.backend, stored)


@pytest.mark.parametrize("resource", ["", "nope", "../jobs", "x" * 2000, "0" * 44])
def test_what_is_no_identifier_is_unknown_and_not_looked_for(resource: str) -> None:
    with aws_server() as (server, (s3, dynamodb)):
        s3.close()
        for client in (s3, dynamodb):
            client.meta.events.register_first("before-call", lambda **_: pytest.fail("a call"))
        with pytest.raises(UnknownResourceError):
            delete_resource(server.backend, Level.STUDY, resource)


def test_resources_that_an_unfinished_upload_left_go_too() -> None:
    with aws_server() as (server, _):
        stored = server.upload(1, series=1)
        _leave_pending(server, "TransactWriteItems")
        delete_resource(server.backend, Level.STUDY, stored["ParentStudy"])
        assert [server.backend.index.catalogue.ids(level) for level in LEVELS] == [[], [], [], []]


def _leave_pending(server: Server, operation: str) -> None:
    """Let an upload die once its parents are there."""
    client = server.backend.index.catalogue._table._client  # type: ignore[attr-defined]

    def die(model: Any, **_: Any) -> None:
        if model.name == operation:
            raise CrashError

    client.meta.events.register_first("before-call", die)
    with pytest.raises(CrashError):
        server.upload(1, series=3)
    client.meta.events.unregister("before-call", die)


# ------------------------------------------------------------------------- time


def test_a_call_that_runs_out_of_time_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "_PINS", 1)
    ticks = itertools.count()
    monkeypatch.setattr(deadline, "time", SimpleNamespace(monotonic=lambda: next(ticks)))  # a second a step
    with aws_server() as (server, _):
        stored = upload(server)
        for seconds, left in ((5, 3), (3, 1)):
            with pytest.raises(TimeLimitError):
                delete_resource(server.backend, Level.PATIENT, stored[0]["ParentPatient"], seconds=seconds)
            assert len(keys_of(server)) == left
        delete_resource(server.backend, Level.PATIENT, stored[0]["ParentPatient"], seconds=9)
        check(server, {})


@pytest.mark.parametrize("name", ["Patient", "bulk"])
def test_what_had_no_time_to_begin_has_done_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "_PINS", 1)
    with aws_server() as (server, _):
        stored = upload(server)
        entries = keys_of(server)
        with pytest.raises(TimeLimitError):
            DEEDS[name](server.backend, stored, seconds=-1)
        assert heads(server) == 0
        run_schedule(server.backend)
        check(server, entries)


def test_the_schedule_leaves_young_erasures_to_their_calls() -> None:
    with aws_server() as (server, _):
        stored = upload(server)
        index = before_nth(server.backend.index, "remove_instances", 1, failing(TransientError()))
        with pytest.raises(TransientError):
            DEEDS["Patient"](replace(server.backend, index=index), stored)
        for seconds in (0, 58):
            finish_erasures(later(server.backend, seconds=seconds), seconds=60)
            assert len(keys_of(server)) == 4
        finish_erasures(later(server.backend, seconds=62), seconds=60)
        check(server, {})


def test_of_documents_without_a_head_those_go_that_are_an_hour_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "_PINS", 1)
    with aws_server() as (server, _):
        stored = upload(server)
        entries = keys_of(server)
        objects = before_nth(
            server.backend.objects, "put", 1, failing(TransientError()), counts=lambda key, _: "head" in key
        )
        with pytest.raises(TransientError):
            DEEDS["Patient"](replace(server.backend, objects=objects), stored)
        assert len(documents(server)) == 3
        finish_erasures(later(server.backend, minutes=59), seconds=60)
        assert len(documents(server)) == 3
        finish_erasures(later(server.backend, minutes=61), seconds=60)
        check(server, entries)


def test_an_erasure_that_fails_keeps_no_other_from_being_finished() -> None:
    with aws_server() as (server, _):
        stored = upload(server)
        index = before_nth(server.backend.index, "remove_instances", 1, failing(TransientError()))
        for one in (stored[0], stored[3]):
            with pytest.raises(TransientError):
                delete_resource(replace(server.backend, index=index), Level.INSTANCE, one["ID"])
            index = before_nth(server.backend.index, "remove_instances", 1, failing(TransientError()))
        broken, _ = documents(server)
        server.backend.objects.put(broken, b'{"pins":[')
        with pytest.raises(InternalError):
            finish_erasures(later(server.backend, minutes=2), seconds=60)
        assert documents(server) == [broken], "an order that cannot be read is not forgotten"
        assert len(keys_of(server)) == 3


# ------------------------------------------------------------------------- jobs


def test_a_job_works_on_what_was_deleted_after_it_was_planned() -> None:
    with aws_server() as (server, _):
        stored = upload(server)
        job = SCENARIOS["keeping"].submit(server, stored)
        plan_job(server.backend, job.id)
        DEEDS["Patient"](server.backend, stored)
        assert server.files() == []
        work(server, job)
        assert server.job(job.id).content["InstancesCount"] == 3
        assert len(server.files()) == len(keys_of(server)) == 3
        for pin in server.pins():
            server.read(pin)


def test_a_product_that_a_job_has_made_again_meanwhile_stays() -> None:
    """Under its old key, as a job does that is taken up again."""
    with aws_server() as (server, _):
        stored = upload(server)
        job = server.run(stored[0]["ParentStudy"], anonymize=True)
        product = next(pin for pin in server.pins() if job.id in pin.object.key)
        index = before_nth(server.backend.index, "remove_instances", 1, failing(TransientError()))
        with pytest.raises(TransientError):
            delete_resource(replace(server.backend, index=index), Level.INSTANCE, product.ancestry.instance)
        _make_again(server, product.ancestry.instance, product.object)
        entries = keys_of(server)
        run_schedule(server.backend)
        check(server, entries)
        assert product.ancestry.instance in entries


def _make_again(server: Server, instance: str, ref: ObjectRef) -> None:
    source = server.backend.objects.open(ref)
    again = server.backend.objects.put(ref.key, bytes(source.read(0, source.size)))
    source.close()
    assert again.version != ref.version
    table = server.backend.index.catalogue._table  # type: ignore[attr-defined]
    item = server.backend.index.catalogue.item(Level.INSTANCE, instance)  # type: ignore[attr-defined]
    table.put({**item, "ObjectVersion": {"S": again.version}})


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
