"""What happens while a job comes to its end: no source goes whose product was not found at that moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from dicomorph.jobs.documents import encode_outcome, outcome_key, read_outcome
from dicomorph.jobs.model import BatchOutcome, InstanceOutcome, Job, JobState
from dicomorph.model.resources import Level, Pin
from dicomorph.services.store.delete_resource import delete_resource
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import abandon_job, finalize_job
from dicomorph.services.work.plan_job import plan_job
from tests.support.jobs import counts
from tests.workflows.embedded import Server
from tests.workflows.five_instances import REPLACING, SOURCES, check_files, edited, study
from tests.workflows.meddling import Event, before_nth


def products(server: Server, source: str) -> list[Pin]:
    return [pin for pin in server.pins() if pin.ancestry.study != source]


def finalize(server: Server, job: Job, call: str, event: Event, *, nth: int = 1) -> Job:
    """Bring a job to its end, while something happens before a call of the index."""
    index = before_nth(server.backend.index, call, nth, event)
    finalize_job(replace(server.backend, index=index), job.id)
    return server.job(job.id)


def sources(server: Server, source: str) -> int:
    return sum(1 for _ in server.backend.index.catalogue.pins(Level.STUDY, source))


def recorded(server: Server, job: Job, number: int) -> BatchOutcome:
    """Return the outcome of a batch."""
    outcome = read_outcome(server.backend.objects.get(outcome_key(job, number)), number)
    assert outcome is not None
    return outcome


def forget_product(server: Server, job: Job, number: int) -> None:
    """Do as a late worker does, for which the first instance of a batch has failed, unlike for another."""
    key = outcome_key(job, number)
    outcome = recorded(server, job, number)
    first, *others = outcome.instances
    told = replace(outcome, instances=(InstanceOutcome(first.source, None, -1), *others))
    server.backend.objects.put(key, encode_outcome(told))
    assert first.product is not None
    delete_resource(server.backend, Level.INSTANCE, first.product.ancestry.instance)


@pytest.mark.parametrize(("call", "nth"), [("sync", 1), ("remove_instances", 1)])
def test_an_outcome_that_changes_amid_the_end_deletes_no_source_without_a_product(
    server: Server, call: str, nth: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dicomorph.services.work.removals._DELETED_AT_ONCE", 2)
    source = study(server)
    job = edited(server, source)
    last = job.batches - 1 if call == "remove_instances" else 0
    victim = recorded(server, job, last).instances[0].source
    finalize(server, job, call, lambda: forget_product(server, job, last), nth=nth)
    assert server.backend.index.catalogue.get(Level.INSTANCE, victim.ancestry.instance) is not None
    check_files(server)


def test_an_entry_without_its_file_is_no_product(server: Server) -> None:
    source = study(server)
    job = edited(server, source)
    lost = products(server, source)[3]
    server.backend.objects.discard([lost.object], pinned=False)
    finalize_job(server.backend, job.id)
    assert (server.job(job.id).state, sources(server, source)) == (JobState.SUCCESS, SOURCES)


@pytest.mark.parametrize("call", ["refresh", "sync", "pins_of", "remove_instances"])
def test_of_two_finalizations_at_once_each_finds_what_the_other_has_done(server: Server, call: str) -> None:
    source = study(server)
    job = edited(server, source)
    done = finalize(server, job, call, lambda: finalize_job(server.backend, job.id))
    assert (done.state, counts(done)) == (JobState.SUCCESS, (SOURCES, 0))
    assert {pin.ancestry.study for pin in server.pins()} == {done.content["ID"]}
    check_files(server)


@pytest.mark.parametrize("call", ["refresh", "pins_of", "remove_instances"])
def test_a_finalization_that_is_late_leaves_what_came_after_the_job(server: Server, call: str) -> None:
    source = study(server)
    job = edited(server, source)

    def life_goes_on() -> None:
        finalize_job(server.backend, job.id)
        assert study(server) == source  # uploaded again
        delete_resource(server.backend, Level.STUDY, str(server.job(job.id).content["ID"]))

    finalize(server, job, call, life_goes_on)
    assert (len(server.pins()), sources(server, source)) == (SOURCES, SOURCES)
    check_files(server)


def test_parents_are_not_rebuilt_from_a_product_that_is_gone(server: Server) -> None:
    source = study(server)
    server.submit(source)  # while it lives, deleted files stay readable
    job = edited(server, source, Replace={"PatientName": "New^Name"})
    patient = server.pins()[0].ancestry.patient
    delete_resource(server.backend, Level.STUDY, products(server, source)[0].ancestry.study)
    finalize_job(server.backend, job.id)
    found = server.backend.index.catalogue.get(Level.PATIENT, patient)
    assert found is not None
    assert found.main_tags["0010,0010"] != "New^Name"
    assert sources(server, source) == SOURCES


def test_a_job_that_is_given_up_while_its_sources_go_keeps_the_rest(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dicomorph.services.work.removals._DELETED_AT_ONCE", 2)
    source = study(server)
    job = edited(server, source)
    ended = finalize(server, job, "remove_instances", lambda: abandon_job(server.backend, job.id))
    assert (ended.state, sources(server, source)) == (JobState.FAILURE, SOURCES - 2)
    check_files(server)


def test_what_is_uploaded_into_the_study_meanwhile_stays(server: Server) -> None:
    source = study(server)
    job = edited(server, source)
    late = server.upload(SOURCES + 1)
    finalize_job(server.backend, job.id)
    assert [pin.ancestry.instance for pin in server.backend.index.catalogue.pins(Level.STUDY, source)] == [
        late["ID"]
    ]
    check_files(server)


@pytest.mark.parametrize("when", ["before it is edited", "before the end", "while sources go"])
def test_a_source_that_is_overwritten_stays(overwriting: Server, when: str) -> None:
    source = study(overwriting)

    def overwrite() -> None:
        overwriting.upload(1, PatientSex="F")

    job = overwriting.submit(source, body=REPLACING)
    plan_job(overwriting.backend, job.id)
    steps: list[Callable[[], object]] = [overwrite] if when == "before it is edited" else []
    steps += [lambda number=number: edit_batch(overwriting.backend, job.id, number) for number in range(3)]  # type: ignore[misc]
    for step in steps:
        step()
    if when == "before the end":
        overwrite()
    finalize(overwriting, job, "remove_instances", overwrite if when == "while sources go" else lambda: None)
    (left,) = overwriting.backend.index.catalogue.pins(Level.STUDY, source)
    assert overwriting.read(left).PatientSex == "F"
    check_files(overwriting)
