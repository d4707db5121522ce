"""The environment of a function: the only module that reads it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.settings import Settings, parse_settings


@dataclass(frozen=True, slots=True)
class Environment:
    """What the stack tells a function.

    A function is given the names of those resources only that it is permitted to use; the
    others are empty.

    Parameters
    ----------
    max_concurrency, worker_concurrency : int
        The stack's parameters of these names; 0 for functions that share no workers out.
    """

    index_table_name: str
    dicom_bucket_name: str
    modification_workflow_arn: str
    settings: Settings
    max_concurrency: int = 0
    worker_concurrency: int = 0


def read_environment(variables: Mapping[str, str] | None = None) -> Environment:
    """Read the variables of a function.

    Parameters
    ----------
    variables : Mapping[str, str]
        In place of those of the process.

    Raises
    ------
    BadFileFormatError
        If ``SETTINGS`` is not a JSON object of known settings.
    """
    values = os.environ if variables is None else variables
    try:
        settings = json.loads(values.get("SETTINGS") or "{}")
    except ValueError as error:
        raise BadFileFormatError("SETTINGS is not JSON") from error
    return Environment(
        index_table_name=values.get("INDEX_TABLE_NAME", ""),
        dicom_bucket_name=values.get("DICOM_BUCKET_NAME", ""),
        modification_workflow_arn=values.get("MODIFICATION_WORKFLOW_ARN", ""),
        settings=parse_settings(settings),
        max_concurrency=int(values.get("MAX_CONCURRENCY") or 0),
        worker_concurrency=int(values.get("WORKER_CONCURRENCY") or 0),
    )
