"""Whatever happens between sweeps, they delete nothing that is needed, and in the end all that is not."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dicomorph.jobs.documents import batch_key, read_batch
from dicomorph.model.errors import DicomorphError
from dicomorph.model.object_keys import product_key
from dicomorph.model.resources import Level, Pin
from dicomorph.services.jobs.actions import cancel_job, pause_job, resubmit_job, resume_job
from dicomorph.services.store.delete_resource import delete_resource
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import finalize_job
from dicomorph.services.work.plan_job import plan_job
from tests.workflows import aws_server
from tests.workflows.sweeps import DAYS, STRAY, Store
from tests.workflows.sweeps import store as new_store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]  # histories on moto


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    with new_store() as found:
        yield found


def _upload(store: Store) -> None:
    for series in (1, 2):
        store.server.upload(store.backend.index.catalogue.statistics().instances + 1, series=series)


def _delete(store: Store) -> None:
    for pin in store.server.pins()[:1]:
        delete_resource(store.server.backend, Level.INSTANCE, pin.ancestry.instance)


def _lose_entry(store: Store) -> None:
    """Crash between an entry and its file."""
    for pin in store.server.pins()[:1]:
        store.server.backend.index.eraser.remove_instances([pin])


def _stray(store: Store) -> None:
    store.put(STRAY)


def _submit(store: Store) -> None:
    for pin in store.server.pins()[:1]:
        job = store.server.submit(pin.ancestry.study, body={"KeepSource": False})
        plan_job(store.server.backend, job.id)


def _crash(store: Store) -> None:
    """Let a worker die between a product and its entry."""
    for job in store.backend.jobs.all():
        store.put(product_key(job.id, "ab" * 20, 0, 0))


def _of_jobs(action: Callable[..., object]) -> Callable[[Store], None]:
    def act(store: Store) -> None:
        for job in store.backend.jobs.all():
            try:
                action(store.server.backend, job.id)
            except DicomorphError:  # not in this state
                continue

    return act


STEPS: dict[str, Callable[[Store], None]] = {
    "upload": _upload,
    "delete": _delete,
    "lose an entry": _lose_entry,
    "stray": _stray,
    "submit": _submit,
    "crash": _crash,
    "edit": _of_jobs(lambda backend, job: edit_batch(backend, job, 0)),
    "pause": _of_jobs(pause_job),
    "resume": _of_jobs(resume_job),
    "cancel": _of_jobs(cancel_job),
    "resubmit": _of_jobs(resubmit_job),
    "finalize": _of_jobs(finalize_job),
    "sweep": lambda store: _sweep(store, DAYS + 1),
    "sweep soon": lambda store: _sweep(store, 1),
}


def _pinned(store: Store) -> list[Pin]:
    """Return what jobs have pinned that have not ended."""
    found: list[Pin] = []
    for job in store.backend.jobs.all():
        if job.plan and not job.state.is_final:
            number = 0
            while (
                batch := read_batch(store.backend.objects.get(batch_key(job, number)), number)
            ) is not None:
                found += batch.pins
                number += 1
    return found


def _sweep(store: Store, days: float) -> None:
    living = {job.id for job in store.backend.jobs.all() if not job.state.is_final}
    made = {key for key in store.present() if any(job in key for job in living)}
    store.sweep(days)
    store.read_all()
    present = set(store.present())
    assert made <= present
    assert {pin.object.key for pin in store.server.pins()} <= present
    for pin in _pinned(store):
        store.server.read(pin)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.sampled_from(sorted(STEPS)), min_size=3, max_size=9))
def test_nothing_goes_that_is_needed_and_nothing_stays_that_is_not(store: Store, steps: list[str]) -> None:
    aws_server.clear()
    store.day = 0.0
    for step in ["upload", *steps]:
        STEPS[step](store)
    STEPS["cancel"](store)
    store.sweep_twice()
    store.sweep(DAYS + 1)
    entries = sorted(pin.object.key for pin in store.server.pins())
    assert store.server.files() == entries
    assert store.read_all() == len(entries)
