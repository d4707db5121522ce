"""The environment of a function: the only module that reads it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Environment:
    """What the stack tells a function.

    A function is given the names of those resources only that it is permitted to use; the
    others are empty.

    Parameters
    ----------
    settings : str
        A JSON object, unread (`dicomorph.aws.settings`).
    settings_object : str
        Where the settings are that count in place of these: ``<bucket>/<key>?versionId=<version>``.
        Empty if there are none.
    access_trail_group : str
        The name of the log group that says who did what; empty if nobody asked for one.
    max_concurrency, worker_concurrency : int
        The stack's parameters of these names; 0 for functions that share no workers out.
    arrival_queue_url : str
        Where it is told of what arrives.
    arrival_rules : str
        The stack's parameter of this name, unread; empty for functions that take nothing in.
    sweep : str
        The stack's parameter of this name; empty for functions that delete nothing of their own accord.
    sweep_after_days : int
        Likewise.
    function_name : str
        Which Lambda itself tells a function.
    """

    index_table_name: str
    dicom_bucket_name: str
    modification_workflow_arn: str
    settings: str = "{}"
    settings_object: str = ""
    access_trail_group: str = ""
    max_concurrency: int = 0
    worker_concurrency: int = 0
    arrival_queue_url: str = ""
    arrival_rules: str = ""
    sweep: str = ""
    sweep_after_days: int = 0
    function_name: str = ""


def read_environment(variables: Mapping[str, str] | None = None) -> Environment:
    """Read the variables of a function.

    Parameters
    ----------
    variables : Mapping[str, str]
        In place of those of the process.
    """
    values = os.environ if variables is None else variables
    return Environment(
        index_table_name=values.get("INDEX_TABLE_NAME", ""),
        dicom_bucket_name=values.get("DICOM_BUCKET_NAME", ""),
        modification_workflow_arn=values.get("MODIFICATION_WORKFLOW_ARN", ""),
        settings=values.get("SETTINGS") or "{}",
        settings_object=values.get("SETTINGS_OBJECT", ""),
        access_trail_group=values.get("ACCESS_TRAIL_GROUP", ""),
        max_concurrency=int(values.get("MAX_CONCURRENCY") or 0),
        worker_concurrency=int(values.get("WORKER_CONCURRENCY") or 0),
        arrival_queue_url=values.get("ARRIVAL_QUEUE_URL", ""),
        arrival_rules=values.get("ARRIVAL_RULES", ""),
        sweep=values.get("SWEEP", ""),
        sweep_after_days=int(values.get("SWEEP_AFTER_DAYS") or 0),
        function_name=values.get("AWS_LAMBDA_FUNCTION_NAME", ""),
    )
