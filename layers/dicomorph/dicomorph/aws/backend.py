"""The ports on S3, DynamoDB and Step Functions, put together for one function.

Adapters are imported where they are used: a function loads no client that it was given no
resource for.
"""

from __future__ import annotations

import functools
import logging
import secrets
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from dicomorph.aws.clients import client_config, s3_client
from dicomorph.aws.environment import Environment
from dicomorph.aws.settings import deployed_rules, deployed_settings
from dicomorph.dicom.stream.scratch import FileScratch
from dicomorph.jobs.concurrency import Capacity
from dicomorph.jobs.planning import PlannerLimits
from dicomorph.model.errors import InternalError
from dicomorph.model.object_keys import REJECTED, SIBLING_BYTES
from dicomorph.model.settings import MEGABYTE, Settings
from dicomorph.ports.trail import AccessTrail
from dicomorph.services.arrival.door import Door
from dicomorph.services.backend import Backend, Target, utc_now
from dicomorph.services.server.allow_lists import allow_lists_of
from dicomorph.services.server.check_settings import waiting_settings

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

    from dicomorph.aws.arrivals.ingestion import Ingestion
    from dicomorph.services.sweeping.sweeper import Sweeper

_DOCUMENTS_AT_ONCE = 16  # a document on S3 takes tens of milliseconds to come

_logger = logging.getLogger(__name__)


def aws_backend(environment: Environment) -> Backend:
    """Return the ports on S3, DynamoDB and Step Functions, as far as a function may use them.

    Raises
    ------
    MisconfiguredError
        If the settings mean nothing.
    TransientError
        If they are an object of S3, which is away.
    """
    settings = _settings(environment)
    objects = _aws_objects(environment, settings)
    return Backend(
        objects=objects,
        index=_aws_index(environment),
        jobs=_aws_jobs(environment),
        runner=_aws_runner(environment),
        uploads=_aws_uploads(environment),
        settings=settings,
        planner_limits=PlannerLimits(),
        now=utc_now,
        new_token=secrets.token_bytes,
        targets=_aws_targets(environment, settings),
        documents_at_once=_DOCUMENTS_AT_ONCE,
        capacity=_aws_capacity(environment),
        trail=_aws_trail(environment),
        read_list=lambda key: objects.get(key),  # noqa: PLW0108 - not every function has a bucket
    )


def aws_ingestion(environment: Environment, backend: Callable[[], Backend]) -> Ingestion:
    """Return what takes in files that arrive in the bucket.

    Parameters
    ----------
    backend : Callable[[], Backend]
        Asked when the first file has arrived: where its settings mean nothing, files are noted all the same.
    """
    import boto3  # noqa: PLC0415

    from dicomorph.aws.arrivals.ingestion import Ingestion  # noqa: PLC0415
    from dicomorph.aws.arrivals.queue import ArrivalQueue  # noqa: PLC0415
    from dicomorph.aws.arrivals.waiting import Waiting  # noqa: PLC0415
    from dicomorph.aws.objects.store import S3Store  # noqa: PLC0415

    client, bucket = s3_client(), environment.dicom_bucket_name
    queue = boto3.client("sqs", config=client_config(read_timeout=5))
    return Ingestion(
        S3Store(client, bucket),
        ArrivalQueue(queue, environment.arrival_queue_url),
        functools.cache(lambda: _aws_door(client, bucket, backend())),
        Waiting(client, bucket, environment.function_name),
    )


def aws_sweeper(environment: Environment, backend: Backend) -> Sweeper:
    """Return what deletes the files that nothing refers to.

    Raises
    ------
    MisconfiguredError
        If they are to go sooner than is safe.
    """
    from dicomorph.aws.objects.versions import S3Versions  # noqa: PLC0415
    from dicomorph.services.sweeping.sweeper import Sweeper, SweepRules  # noqa: PLC0415

    rules = SweepRules(environment.sweep_after_days, deletes=environment.sweep == "delete")
    return Sweeper(backend, S3Versions(s3_client(), environment.dicom_bucket_name), rules)


def _aws_door(client: S3Client, bucket: str, backend: Backend) -> Door:
    from dicomorph.aws.arrivals.objects import S3Arrivals  # noqa: PLC0415

    return Door(
        backend=backend,
        arrivals=S3Arrivals(client, bucket, backend.objects.scratch),
        rejected=Target(backend.objects, REJECTED),
        rules=deployed_rules(backend.settings, allow_lists_of(backend)),
        source="aws:s3",
    )


def _settings(environment: Environment) -> Settings:
    """Read the settings; where the index is at hand, as find will need it, tell what waits for find."""
    settings = deployed_settings(environment, s3_client)
    waiting = waiting_settings(settings)
    if waiting and environment.index_table_name:
        _logger.warning(waiting)
    return settings


class _Absent:
    """Stands for a port that this function was given no resource for."""

    def __init__(self, variable: str) -> None:
        self._variable = variable

    def __getattr__(self, name: str) -> Any:
        raise InternalError(f"{name}: this function was started without {self._variable}")


class _Later:
    """Stands for ports that are made when they are used, which most functions never do: each has a client."""

    def __init__(self, **makers: Callable[[], Any]) -> None:
        self._makers = makers

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        made = self._makers[name]()
        setattr(self, name, made)
        return made


def _aws_objects(environment: Environment, settings: Settings) -> Any:
    if not environment.dicom_bucket_name:
        return _Absent("DICOM_BUCKET_NAME")
    from dicomorph.aws.objects.store import S3Store, nameless_file  # noqa: PLC0415 - see above

    scratch = FileScratch(nameless_file, largest_inflated=settings.maximum_inflated_size * MEGABYTE)
    return S3Store(s3_client(), environment.dicom_bucket_name, scratch)


def _aws_targets(environment: Environment, settings: Settings) -> dict[str, Target]:
    if not settings.targets or not environment.dicom_bucket_name:
        return {}
    from dicomorph.aws.objects.store import S3Store  # noqa: PLC0415

    client = s3_client()
    targets = {}
    for name, place in settings.targets.items():
        bucket, _, prefix = place.partition("/")
        targets[name] = Target(S3Store(client, bucket), f"{prefix.rstrip('/')}/" if prefix else "")
    return targets


def _aws_index(environment: Environment) -> Any:
    if not environment.index_table_name:
        return _Absent("INDEX_TABLE_NAME")
    import boto3  # noqa: PLC0415

    from dicomorph.aws.index.roles import dynamo_index  # noqa: PLC0415

    return dynamo_index(
        boto3.client("dynamodb", config=client_config(read_timeout=5)), environment.index_table_name
    )


def _aws_jobs(environment: Environment) -> Any:
    if not environment.index_table_name:
        return _Absent("INDEX_TABLE_NAME")
    import boto3  # noqa: PLC0415

    from dicomorph.aws.jobs.records import DynamoJobRecords  # noqa: PLC0415

    client = boto3.client("dynamodb", config=client_config(read_timeout=5))
    return DynamoJobRecords(client, environment.index_table_name)


def _aws_uploads(environment: Environment) -> Any:
    return _Later(
        records=partial(_aws_upload_records, environment.index_table_name),
        door=partial(_aws_upload_door, environment.dicom_bucket_name),
    )


def _aws_upload_records(table_name: str) -> Any:
    if not table_name:
        return _Absent("INDEX_TABLE_NAME")
    import boto3  # noqa: PLC0415

    from dicomorph.aws.uploads.records import DynamoUploadRecords  # noqa: PLC0415

    return DynamoUploadRecords(boto3.client("dynamodb", config=client_config(read_timeout=5)), table_name)


def _aws_upload_door(bucket: str) -> Any:
    if not bucket:
        return _Absent("DICOM_BUCKET_NAME")
    from dicomorph.aws.uploads.door import S3UploadDoor  # noqa: PLC0415
    from dicomorph.aws.uploads.session import session_end  # noqa: PLC0415

    return S3UploadDoor(s3_client(bare=True), bucket, session_end=session_end)


def _aws_runner(environment: Environment) -> Any:
    if not environment.modification_workflow_arn:
        return _Absent("MODIFICATION_WORKFLOW_ARN")
    import boto3  # noqa: PLC0415

    from dicomorph.aws.jobs.runner import StepFunctionsRunner  # noqa: PLC0415

    client = boto3.client("stepfunctions", config=client_config(read_timeout=10))
    return StepFunctionsRunner(client, environment.modification_workflow_arn)


def _aws_trail(environment: Environment) -> AccessTrail | None:
    if not environment.access_trail_group:
        return None
    import boto3  # noqa: PLC0415

    from dicomorph.aws.access_trail import CloudWatchTrail  # noqa: PLC0415

    stream = f"{utc_now():%Y/%m/%d}/{secrets.token_hex(SIBLING_BYTES)}"
    client = boto3.client("logs", config=client_config(read_timeout=5))
    return CloudWatchTrail(client, environment.access_trail_group, stream)


def _aws_capacity(environment: Environment) -> Callable[[], Capacity]:
    if not environment.max_concurrency:
        return lambda: Capacity(workers=1, of_one_job=1)
    import boto3  # noqa: PLC0415

    from dicomorph.aws.jobs.capacity import LambdaCapacity  # noqa: PLC0415

    return LambdaCapacity(
        boto3.client("lambda", config=client_config(read_timeout=5)),
        reserved=environment.worker_concurrency,
        of_one_job=environment.max_concurrency,
    )
