"""How many calls of DynamoDB routes take that list many: ``python -m tests.benchmarks.listings``.

Moto counts them; the time that it takes says nothing about AWS, but for the share of this process.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import boto3

from dicomorph import bootstrap
from dicomorph.aws.backend import aws_backend
from dicomorph.aws.environment import Environment
from dicomorph.model.resources import LEVELS
from tests.support.api_client import Client
from tests.support.index_schema import index_schema
from tests.support.quick_moto import quick_aws
from tests.support.written_items import ancestry, counted_calls, write_items


def main() -> None:
    """Print a line for each route, shape and size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=[1_000, 10_000])
    for size in parser.parse_args().sizes:
        _measure(size, "one series", instances=size)
        _measure(size, "series of 100", series=size // 100, instances=100)
        _measure(size, "studies of one", studies=size)


def _measure(size: int, shape: str, **counts: int) -> None:
    with quick_aws(empty_partitions=True), tempfile.TemporaryDirectory() as folder:
        boto3.client("s3").create_bucket(
            Bucket="dicom", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        boto3.client("dynamodb").create_table(TableName="index", **index_schema())
        backend = aws_backend(Environment("index", "dicom", ""))
        bootstrap.use_backend(backend)
        index: Any = backend.index
        dynamodb = index.catalogue._table._client
        write_items(dynamodb, **counts)
        client = Client(backend, Path(folder))
        for method, path, body in _requests(size, counts):
            began = time.perf_counter()
            with counted_calls(dynamodb) as calls:
                answer = client.call(method, path, body, query={"expand": ""} if "/tools" not in path else {})
            seconds = time.perf_counter() - began
            print(f"{size:>6} {shape:<15} {method:<4} {path[:9]}…{path[-9:]:<9} {answer.status}"
                  f" {len(calls):>7} calls {dict(Counter(calls))} {seconds:.1f} s", flush=True)  # fmt: skip
        bootstrap.use_backend(None)


def _requests(size: int, counts: dict[str, int]) -> list[tuple[str, str, Any]]:
    first = ancestry(0, 0, 0)
    found = [
        ancestry(study, series, number)
        for study in range(counts.get("studies", 1))
        for series in range(counts.get("series", 1))
        for number in range(counts.get("instances", 1))
    ]
    named = {"Resources": [one.instance for one in found]}
    return [
        *(("GET", f"/patients/{first.patient}/{level.path}", b"") for level in LEVELS[1:]),
        *(("GET", f"/{level.path}", b"") for level in LEVELS),
        ("POST", "/tools/bulk-content", named),
        ("POST", "/tools/bulk-content", {**named, "Level": "Study"}),
        ("POST", "/tools/bulk-content", {"Resources": [first.patient], "Level": "Instance"}),
    ]


if __name__ == "__main__":
    main()
