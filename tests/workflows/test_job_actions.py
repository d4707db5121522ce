"""Which action leads from which state of a job to which."""

from __future__ import annotations

import pytest

from dicomorph.jobs.model import JobState
from dicomorph.model.errors import InexistentItemError
from dicomorph.services.jobs.actions import cancel_job, delete_job, pause_job, resubmit_job, resume_job
from tests.support.jobs import Action
from tests.workflows.embedded import Server
from tests.workflows.five_instances import in_state, study


@pytest.mark.parametrize(
    ("action", "state", "expected"),
    [
        (cancel_job, JobState.PENDING, JobState.FAILURE),
        (cancel_job, JobState.RUNNING, JobState.FAILURE),
        (cancel_job, JobState.PAUSED, JobState.FAILURE),
        (cancel_job, JobState.FAILURE, JobState.FAILURE),
        (cancel_job, JobState.SUCCESS, JobState.SUCCESS),
        (pause_job, JobState.PENDING, JobState.PAUSED),
        (pause_job, JobState.RUNNING, JobState.PAUSED),
        (pause_job, JobState.PAUSED, JobState.PAUSED),
        (pause_job, JobState.FAILURE, JobState.FAILURE),
        (pause_job, JobState.SUCCESS, JobState.SUCCESS),
        (resume_job, JobState.PAUSED, JobState.PENDING),
        (resubmit_job, JobState.FAILURE, JobState.PENDING),
    ],
)
def test_an_action_leads_to_a_state(
    server: Server, action: Action, state: JobState, expected: JobState
) -> None:
    before = in_state(server, state, study(server))
    action(server.backend, before.id)
    after = server.job(before.id)
    assert after.state is expected
    assert (after == before) == (state is expected)


@pytest.mark.parametrize(
    ("action", "states"),
    [
        (resume_job, (JobState.PENDING, JobState.RUNNING, JobState.FAILURE, JobState.SUCCESS)),
        (resubmit_job, (JobState.PENDING, JobState.RUNNING, JobState.PAUSED, JobState.SUCCESS)),
        (delete_job, (JobState.PENDING, JobState.RUNNING, JobState.PAUSED)),
    ],
)
def test_an_action_that_makes_no_sense_changes_nothing(
    server: Server, action: Action, states: tuple[JobState, ...]
) -> None:
    source = study(server)
    for state in states:
        before = in_state(server, state, source)
        with pytest.raises(InexistentItemError):
            action(server.backend, before.id)
        assert server.job(before.id) == before
        cancel_job(server.backend, before.id)
        source = server.pins()[0].ancestry.study


@pytest.mark.parametrize("action", [cancel_job, pause_job, resume_job, resubmit_job, delete_job])
def test_an_unknown_job_has_nothing_to_act_on(server: Server, action: Action) -> None:
    with pytest.raises(InexistentItemError):
        action(server.backend, "nope")


@pytest.mark.parametrize("state", [JobState.SUCCESS, JobState.FAILURE])
def test_a_job_that_ended_is_forgotten_with_its_documents_and_nothing_else(
    server: Server, state: JobState
) -> None:
    job = in_state(server, state, study(server))
    before = server.pins()
    delete_job(server.backend, job.id)
    assert server.backend.jobs.all() == []
    assert list(server.backend.objects.keys("jobs/")) == []
    assert server.pins() == before
