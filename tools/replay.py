"""Give what could not be taken in another chance, once the reason is gone:  make replay STACK=NAME.

Dead letters of what arrived go back to the queue that they came from. With --all, the queue is told
besides of every file that is below incoming/ in the bucket: of those too whose messages were lost, or
ended after fourteen days. To tell of a file twice is harmless.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

_AT_ONCE = 10  # messages, SQS's limit
_INCOMING = "incoming/"


def main(arguments: Sequence[str] | None = None) -> None:
    """Move dead letters back; tell the queue of all files, if asked to."""
    parser = argparse.ArgumentParser(prog="python -m tools.replay", description=__doc__.splitlines()[0])
    parser.add_argument("--stack", default="dicomorph", help="the name of the stack")
    parser.add_argument("--all", action="store_true", help="also tell of every file that waits")
    options = parser.parse_args(arguments)
    try:
        outputs = _outputs(options.stack)
        redrive(outputs)
        print("Dead letters are on their way back to the queue.")
        if options.all:
            print(f"The queue was told of {tell_all(outputs)} files that wait.")
    except (BotoCoreError, ClientError) as error:
        raise SystemExit(f"AWS refused: {error}") from error


def redrive(outputs: dict[str, str]) -> None:
    """Start to move all dead letters to where they came from; SQS goes on by itself."""
    boto3.client("sqs").start_message_move_task(
        SourceArn=outputs["DeadArrivalQueueArn"], DestinationArn=outputs["ArrivalQueueArn"]
    )


def tell_all(outputs: dict[str, str]) -> int:
    """Tell the queue of every file below ``incoming/``; return how many there are."""
    sqs = boto3.client("sqs")
    url = sqs.get_queue_url(QueueName=outputs["ArrivalQueueArn"].rpartition(":")[2])["QueueUrl"]
    told = 0
    for entries in _in_tens(_waiting(outputs["DicomBucketName"])):
        answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
        if failed := len(answer.get("Failed", ())):
            raise SystemExit(f"The queue did not take {failed} messages; run this again.")
        told += len(entries)
    return told


def _waiting(bucket: str) -> Iterator[str]:
    """Yield messages like those of S3, for everything that nobody has taken, deleted or overwritten."""
    pages = boto3.client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=_INCOMING)
    for page in pages:
        for one in page.get("Versions", ()):
            if one["IsLatest"] and not one["Key"].endswith("/"):
                created = {"key": one["Key"], "version-id": one["VersionId"]}
                yield json.dumps({"detail": {"object": created}})


def _in_tens(bodies: Iterator[str]) -> Iterator[list[Any]]:
    entries: list[Any] = []
    for body in bodies:
        entries.append({"Id": str(len(entries)), "MessageBody": body})
        if len(entries) == _AT_ONCE:
            yield entries
            entries = []
    if entries:
        yield entries


def _outputs(stack: str) -> dict[str, str]:
    [found] = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in found.get("Outputs", ())}


if __name__ == "__main__":
    main()
