"""How long what has arrived has been waiting: what nobody takes, an alarm tells of."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from dicomorph.aws.arrivals.queue import is_folder
from dicomorph.aws.objects.errors import translated
from dicomorph.model.object_keys import INCOMING

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

NAMESPACE = "Dicomorph"
AGE = "OldestArrival"
COUNT = "Arrivals"


class Waiting:
    """The objects that are in the place of arrival.

    Parameters
    ----------
    client : S3Client
        A low-level client.
    bucket : str
        Where they arrive.
    function : str
        The dimension ``FunctionName`` of the metrics.
    """

    def __init__(self, client: S3Client, bucket: str, function: str) -> None:
        self._client = client
        self._bucket = bucket
        self._function = function

    def metric(self, now: datetime) -> str:
        """Return the age of the oldest one in seconds, and their number, in CloudWatch's embedded format.

        Raises
        ------
        TransientError
            If S3 is away.
        """
        arrived = self._times()
        age = (now - min(arrived)).total_seconds() if arrived else 0.0
        units = {AGE: "Seconds", COUNT: "Count"}
        metrics = [{"Name": name, "Unit": unit} for name, unit in units.items()]
        directive = {"Namespace": NAMESPACE, "Dimensions": [["FunctionName"]], "Metrics": metrics}
        return json.dumps(
            {
                "_aws": {"Timestamp": int(now.timestamp() * 1000), "CloudWatchMetrics": [directive]},
                "FunctionName": self._function,
                AGE: max(0.0, age),
                COUNT: len(arrived),
            }
        )

    def _times(self) -> list[datetime]:
        found: list[datetime] = []
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=INCOMING)
        with translated():
            for page in pages:
                found += [
                    one["LastModified"] for one in page.get("Contents", ()) if not is_folder(one["Key"])
                ]
        return found
