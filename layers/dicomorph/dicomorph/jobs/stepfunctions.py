"""Running jobs on AWS Step Functions: one execution of the state machine a job."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from dicomorph.model.errors import InternalError, TransientError

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


class StepFunctionsRunner:
    """Starts the state machine of a stack.

    Parameters
    ----------
    client : SFNClient
        A low-level client.
    state_machine_arn : str
        The machine of ``statemachines/modification.asl.json``.
    """

    def __init__(self, client: SFNClient, state_machine_arn: str) -> None:
        self._client = client
        self._state_machine_arn = state_machine_arn

    def start(self, job_id: str) -> None:
        """Start the workflow of a job.

        The execution is named after the job, so a repeated call starts nothing.

        Raises
        ------
        TransientError
            If the service is throttled or away.
        InternalError
            If the stack is not set up for it.
        """
        try:
            self._client.start_execution(
                stateMachineArn=self._state_machine_arn, name=job_id, input=json.dumps({"job": job_id})
            )
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "ExecutionAlreadyExists":
                return
            kind = InternalError if code in _LASTING else TransientError
            raise kind(f"Step Functions answered {code}") from error
        except BotoCoreError as error:
            raise TransientError("Step Functions is out of reach") from error
