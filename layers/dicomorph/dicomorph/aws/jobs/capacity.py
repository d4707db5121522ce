"""What Lambda has room for, asked for when the workers of a job are shared out."""

from __future__ import annotations

import logging
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from dicomorph.jobs.concurrency import Capacity, workers_of_account

_logger = logging.getLogger(__name__)


class LambdaCapacity:
    """Tells how many workers there can be at a time.

    Parameters
    ----------
    client : LambdaClient
        A low-level client of Lambda.
    reserved : int
        The concurrency that the stack keeps for its workers; 0 for none.
    of_one_job : int
        The most that one job is given.
    """

    def __init__(self, client: Any, *, reserved: int, of_one_job: int) -> None:
        self._client = client
        self._reserved = reserved
        self._of_one_job = of_one_job

    def __call__(self) -> Capacity:
        """Ask the account, whose limit may have changed; without an answer, each job gets what it may."""
        if self._reserved:
            return Capacity(self._reserved, self._of_one_job)
        try:
            limit = self._client.get_account_settings()["AccountLimit"]
        except (BotoCoreError, ClientError) as error:  # no permission, or no way there from a VPC
            _logger.warning("The account's concurrency is not known: %s", type(error).__name__)
            return Capacity(self._of_one_job, self._of_one_job)
        unreserved = limit["UnreservedConcurrentExecutions"]
        return Capacity(workers_of_account(unreserved, 0), self._of_one_job)
