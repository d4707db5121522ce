"""The one place where clients and adapters are made and put together.

Adapters are imported where they are used: a function on AWS loads no SQLite, the embedded
server no botocore.
"""

from __future__ import annotations

import secrets
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dicomorph.jobs.base import JobRunner
from dicomorph.jobs.planning import PlannerLimits
from dicomorph.model.errors import InternalError
from dicomorph.model.settings import Settings
from dicomorph.services.backend import Backend, Target
from dicomorph.services.check_settings import check_settings
from dicomorph.settings import Environment, read_environment

if TYPE_CHECKING:
    from botocore.config import Config

# Small batches for every job, so that all cores have work.
_EMBEDDED_LIMITS = PlannerLimits(batch_instances=25, small_job_instances=0)

# Bytes. A link costs the server nothing: it sends the file, where an answer would be encoded and decoded.
_EMBEDDED_LARGEST_ANSWER = 128 << 10

_lock = threading.Lock()
_backend: Backend | None = None


def get_backend() -> Backend:
    """Return the backend of this process, made at the first call.

    Unless one was set with `use_backend`, it is the one on AWS that the environment describes.
    """
    global _backend  # noqa: PLW0603 - a process has one backend, and Lambda offers no other place for it
    with _lock:
        if _backend is None:
            _backend = aws_backend(read_environment())
        return _backend


def use_backend(backend: Backend | None) -> None:
    """Set the backend of this process; None forgets it."""
    global _backend  # noqa: PLW0603 - as above
    with _lock:
        _backend = backend


def aws_backend(environment: Environment) -> Backend:
    """Return the ports on S3, DynamoDB and Step Functions, as far as a function may use them."""
    return Backend(
        objects=_aws_objects(environment),
        index=_aws_index(environment),
        jobs=_aws_jobs(environment),
        runner=_aws_runner(environment),
        settings=check_settings(environment.settings),
        planner_limits=PlannerLimits(),
        now=_now,
        new_token=secrets.token_bytes,
        targets=_aws_targets(environment),
    )


def embedded_backend(data_dir: Path, settings: Settings, *, epoch: int | None, runner: JobRunner) -> Backend:
    """Return the ports on files and SQLite below one folder.

    Parameters
    ----------
    data_dir : Path
        The data folder, which exists.
    epoch : int
        The run that writes; a later run makes this one's writes fail. None writes regardless.
    runner : JobRunner
        What runs jobs.
    """
    from dicomorph.index.sqlite import SqliteIndex  # noqa: PLC0415 - see the module's docstring
    from dicomorph.index.sqlite_database import Database  # noqa: PLC0415
    from dicomorph.jobs.sqlite import SqliteJobRecords  # noqa: PLC0415
    from dicomorph.storage.files import FileStore  # noqa: PLC0415

    database = Database(database_file(data_dir), epoch=epoch, durable=settings.sync_storage_area)
    return Backend(
        objects=FileStore(data_dir),
        index=SqliteIndex(database),
        jobs=SqliteJobRecords(database),
        runner=runner,
        settings=settings,
        planner_limits=_EMBEDDED_LIMITS,
        now=_now,
        new_token=secrets.token_bytes,
        targets={
            name: Target(FileStore(Path(place) / ".dicomorph", sync=True, objects=Path(place)))
            for name, place in settings.targets.items()
        },
        largest_answer=_EMBEDDED_LARGEST_ANSWER,
    )


def begin_epoch(data_dir: Path) -> int:
    """Begin a new run on a data folder: from now on, writes of all earlier runs fail."""
    from dicomorph.index.sqlite_database import Database  # noqa: PLC0415 - as above

    database = Database(database_file(data_dir), epoch=None)
    try:
        return database.begin_epoch()
    finally:
        database.close()


def objects_folder(data_dir: Path) -> Path:
    """Return where the embedded object store keeps what is stored; its links point there."""
    return data_dir / "objects"


def database_file(data_dir: Path) -> Path:
    """Return where the embedded index and the records of jobs are."""
    return data_dir / "index.db"


class _Absent:
    """Stands for a port that this function was given no resource for."""

    def __init__(self, variable: str) -> None:
        self._variable = variable

    def __getattr__(self, name: str) -> Any:
        raise InternalError(f"{name}: this function was started without {self._variable}")


def _now() -> datetime:
    return datetime.now(UTC)


def _aws_objects(environment: Environment) -> Any:
    if not environment.dicom_bucket_name:
        return _Absent("DICOM_BUCKET_NAME")
    import boto3  # noqa: PLC0415 - see the module's docstring

    from dicomorph.storage.s3 import S3Store  # noqa: PLC0415

    return S3Store(boto3.client("s3", config=_config(read_timeout=60)), environment.dicom_bucket_name)


def _aws_targets(environment: Environment) -> dict[str, Target]:
    if not environment.settings.targets or not environment.dicom_bucket_name:
        return {}
    import boto3  # noqa: PLC0415

    from dicomorph.storage.s3 import S3Store  # noqa: PLC0415

    client = boto3.client("s3", config=_config(read_timeout=60))
    targets = {}
    for name, place in environment.settings.targets.items():
        bucket, _, prefix = place.partition("/")
        targets[name] = Target(S3Store(client, bucket), f"{prefix.rstrip('/')}/" if prefix else "")
    return targets


def _aws_index(environment: Environment) -> Any:
    if not environment.index_table_name:
        return _Absent("INDEX_TABLE_NAME")
    import boto3  # noqa: PLC0415

    from dicomorph.index.dynamodb import DynamoIndex  # noqa: PLC0415

    return DynamoIndex(boto3.client("dynamodb", config=_config(read_timeout=5)), environment.index_table_name)


def _aws_jobs(environment: Environment) -> Any:
    if not environment.index_table_name:
        return _Absent("INDEX_TABLE_NAME")
    import boto3  # noqa: PLC0415

    from dicomorph.jobs.dynamodb import DynamoJobRecords  # noqa: PLC0415

    client = boto3.client("dynamodb", config=_config(read_timeout=5))
    return DynamoJobRecords(client, environment.index_table_name)


def _aws_runner(environment: Environment) -> Any:
    if not environment.modification_workflow_arn:
        return _Absent("MODIFICATION_WORKFLOW_ARN")
    import boto3  # noqa: PLC0415

    from dicomorph.jobs.stepfunctions import StepFunctionsRunner  # noqa: PLC0415

    client = boto3.client("stepfunctions", config=_config(read_timeout=10))
    return StepFunctionsRunner(client, environment.modification_workflow_arn)


def _config(*, read_timeout: int) -> Config:
    from botocore.config import Config  # noqa: PLC0415

    # Well below the 29 s of the gateway, so that a request survives one lost connection.
    return Config(
        connect_timeout=2,
        read_timeout=read_timeout,
        retries={"mode": "standard", "max_attempts": 4},
        tcp_keepalive=True,
        max_pool_connections=32,
    )
