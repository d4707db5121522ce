"""What the account has room for, as Lambda tells it."""

from __future__ import annotations

from typing import Any

import boto3
import pytest
from botocore.exceptions import EndpointConnectionError

from dicomorph.aws.backend import aws_backend
from dicomorph.aws.environment import read_environment
from dicomorph.aws.jobs.capacity import LambdaCapacity
from dicomorph.jobs.concurrency import Capacity
from tests.workflows import moto_faults


@pytest.mark.parametrize(("reserved", "workers"), [("0", 8), ("20", 20)])
def test_the_planner_knows_the_concurrency_of_the_account_and_of_the_workers(
    reserved: str, workers: int
) -> None:
    variables = {"MAX_CONCURRENCY": "100", "WORKER_CONCURRENCY": reserved}
    with moto_faults.aws():
        assert aws_backend(read_environment(variables)).capacity() == Capacity(workers, 100)


def test_without_an_answer_each_job_gets_what_it_may() -> None:
    client: Any = boto3.client("lambda", "eu-central-1")

    def refuse(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="https://lambda")

    client.meta.events.register("before-send", refuse)
    assert LambdaCapacity(client, reserved=0, of_one_job=7)() == Capacity(7, 7)
