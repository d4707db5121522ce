"""The tasks of a job on the recorded stack, each called when a use case wants it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support.idle_runner import IdleRunner
from tests.support.recorded_stack import RecordedStack


class Hurry:
    """The context of an invocation whose time is up."""

    def get_remaining_time_in_millis(self) -> int:
        """Return none."""
        return 0


def submit(cloud: RecordedStack, stored: dict[str, Any], body: dict[str, Any] | None = None) -> str:
    """Submit a job for a study, which nobody runs yet."""
    with cloud.changed(runner=IdleRunner()):
        path = f"/studies/{stored['ParentStudy']}/modify"
        answer = cloud.post(path, {"Asynchronous": True, **(body or {})})
    assert answer.status == 200
    return str(answer.json["ID"])


def after(minutes: float) -> datetime:
    """Return the time so many minutes from now."""
    return datetime.now(UTC) + timedelta(minutes=minutes)


def event_of(job: str, execution: int = 1) -> dict[str, Any]:
    """Return the event of planning and finalization."""
    return {"job": job, "execution": execution}


def tasks(job: str) -> list[tuple[str, dict[str, Any]]]:
    """Return the tasks of a job of one batch, with their events."""
    return [
        ("plan_job", event_of(job)),
        ("edit_batch", {"job": job, "batch": 0}),
        ("finalize_job", event_of(job)),
    ]


def leave_documents(cloud: RecordedStack, job: str) -> None:
    """Bring a job as far as there is a document of each kind."""
    plan, edit, _ = tasks(job)
    cloud.invoke(*plan)
    cloud.invoke("edit_batch", {"job": job, "batch": 0, "part": 0})
    cloud.invoke(*edit)


def state(cloud: RecordedStack, job: str) -> object:
    """Return the state of a job, as clients see it."""
    return cloud.get(f"/jobs/{job}").json["State"]
