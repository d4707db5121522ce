"""What the callers of a deletion on AWS hear, who goes on with it when, and the jobs beside it."""

from __future__ import annotations

import itertools
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from dicomorph.model.errors import InternalError, TimeLimitError, TransientError, UnknownResourceError
from dicomorph.model.resources import LEVELS, Level, ObjectRef
from dicomorph.services import deadline
from dicomorph.services.erasure import records
from dicomorph.services.erasure.unfinished import finish_erasures
from dicomorph.services.store.delete_resource import delete_resource
from dicomorph.services.work.plan_job import plan_job
from tests.workflows.aws_server import aws_server
from tests.workflows.crashes import CrashError
from tests.workflows.embedded import Server
from tests.workflows.erasures import DEEDS, check, documents, heads, later, run_schedule
from tests.workflows.meddling import before_nth, failing
from tests.workflows.scenarios import SCENARIOS, keys_of, upload, work

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


@pytest.mark.parametrize("name", ["Patient", "bulk"])
def test_what_is_too_much_for_a_call_to_write_down_goes_in_several(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "_PINS", 1)
    ticks = itertools.count()
    monkeypatch.setattr(deadline, "time", SimpleNamespace(monotonic=lambda: next(ticks)))  # a second a step
    with aws_server() as (server, _):
        stored = upload(server)
        with pytest.raises(TimeLimitError, match="repeat it"):
            DEEDS[name](server.backend, stored, seconds=3)
        assert heads(server) == 1
        assert len(keys_of(server)) == 4, "nothing goes before all that is to go in this call is written down"
        run_schedule(server.backend)
        assert 0 < len(keys_of(server)) < 4
        for _ in range(4):
            try:
                DEEDS[name](server.backend, stored, seconds=4)
                break
            except TimeLimitError:
                assert documents(server)
        run_schedule(server.backend)
        check(server, {})


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


def test_what_is_uploaded_before_it_has_gone_is_stored_already_and_goes_and_later_it_stays() -> None:
    with aws_server() as (server, _):
        stored = upload(server)
        index = before_nth(server.backend.index, "remove_instances", 1, failing(TransientError()))
        with pytest.raises(TransientError):
            DEEDS["Patient"](replace(server.backend, index=index), stored)
        assert server.upload(1)["Status"] == "AlreadyStored"
        run_schedule(server.backend)
        check(server, {})
        assert server.upload(1)["Status"] == "Success"
        run_schedule(server.backend)
        check(server, keys_of(server))
        assert keys_of(server).keys() == {stored[0]["ID"]}


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
