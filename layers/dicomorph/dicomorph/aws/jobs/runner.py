"""Running jobs on AWS Step Functions: one execution of the state machine for each start of a job."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from dicomorph.jobs.model import Job
from dicomorph.model.errors import DicomorphError, InternalError, TransientError
from dicomorph.services.backend import utc_now

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

_LASTING = frozenset(
    {
        "AccessDeniedException",
        "InvalidArn",
        "InvalidExecutionInput",
        "InvalidName",
        "StateMachineDeleting",
        "StateMachineDoesNotExist",
        "ValidationException",
    }
)
_UNKNOWN = "ExecutionDoesNotExist"
_ALIVE = ("RUNNING", "PENDING_REDRIVE")
# A young execution may not be seen yet. Nor does a caller who waits for a young job ask for it.
_GRACE = timedelta(minutes=1)
# The function that ends a job may outlive its execution by as much as a function may take at all.
_ENDING = timedelta(minutes=15)


class StepFunctionsRunner:
    """Starts, stops and looks for executions of the state machine of a stack.

    Parameters
    ----------
    client : SFNClient
        A low-level client.
    state_machine_arn : str
        The machine of ``statemachines/modification.asl.json``.
    now : Callable[[], datetime]
        The time in UTC.
    """

    def __init__(
        self, client: SFNClient, state_machine_arn: str, *, now: Callable[[], datetime] = utc_now
    ) -> None:
        self._client = client
        self._state_machine_arn = state_machine_arn
        self._now = now

    def start(self, job: Job) -> None:
        """Start the workflow of a job.

        The execution is named after the job, so a repeated call starts nothing.

        Raises
        ------
        TransientError
            If the service is throttled or away.
        InternalError
            If the stack is not set up for it.
        """
        with _translated(but="ExecutionAlreadyExists"):
            self._client.start_execution(
                stateMachineArn=self._state_machine_arn,
                name=execution_name(job),
                input=json.dumps({"job": job.id, "execution": job.execution}),
            )

    def stop(self, job: Job) -> None:
        """Stop the execution of a job, and so the children of its map."""
        with _translated(but=_UNKNOWN):
            self._client.stop_execution(executionArn=self._arn(job))

    def loss(self, job: Job) -> DicomorphError | None:
        """Return how the execution of a job ended, None as long as it goes on or nobody can tell."""
        now = self._now()
        if now - datetime.fromisoformat(job.queued or job.created) < _GRACE:
            return None
        try:
            return self._end(job, now)
        except TransientError:
            return None

    def _end(self, job: Job, now: datetime) -> DicomorphError | None:
        status = "NOT_FOUND"
        with _translated(but=_UNKNOWN):
            found = self._client.describe_execution(executionArn=self._arn(job))
            status = found["status"]
            if status in _ALIVE or (job.is_ending and now - found["stopDate"] < _ENDING):
                return None
        return InternalError(f"Nothing runs the job any more; its execution: {status}")

    def _arn(self, job: Job) -> str:
        return f"{self._state_machine_arn.replace(':stateMachine:', ':execution:')}:{execution_name(job)}"


def execution_name(job: Job) -> str:
    """Return the name of a job's present execution: its id, with a number from the second one on."""
    return job.id if job.execution == 1 else f"{job.id}-{job.execution}"


@contextmanager
def _translated(*, but: str) -> Iterator[None]:
    """Turn errors of AWS into ours, but for one that is expected."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == but:
            return
        kind = InternalError if code in _LASTING else TransientError
        raise kind(f"Step Functions answered {code}") from error
    except BotoCoreError as error:
        raise TransientError("Step Functions is out of reach") from error
