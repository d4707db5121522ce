"""Files that arrive by themselves: below ``incoming/`` of a bucket, or in the watched folder of a server."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from pathlib import Path

from dicomorph.dicom.stream.source import BufferSource
from dicomorph.dicom.views.description import describe
from dicomorph.model.identifiers import ancestry_of
from dicomorph.model.object_keys import INCOMING, REJECTED
from tools.smoke.deployed import Deployed
from tools.smoke.steps import LeftOutError, Run, expect, step

_PAUSE = 1.0
_PATIENCE = 300.0
_CLOCK = 60.0  # seconds by which the clock of S3 may differ from ours


@step("arrivals")
def arrivals(run: Run) -> str:
    """Bring an image, an archive and a file that is none: two are stored, one is set aside, none waits."""
    first, second = (run.make.image("I", number=number) for number in (1, 2))
    archive, bad = io.BytesIO(), f"no image, {run.make.token}".encode()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as members:
        members.writestr("2", second)
    put, is_waiting = _folder(run.incoming) if run.incoming else _bucket(run)
    began = time.monotonic()
    for name, content in (("1", first), ("2.zip", archive.getvalue()), ("3", bad)):
        put(f"smoke-{run.make.token}-{name}", content)
    for content in (first, second):
        run.stored += 1
        _until(partial(_is_stored, run, content), "what arrived is not stored")
    _until(lambda: not is_waiting(f"smoke-{run.make.token}"), "what arrived is still there")
    seconds = time.monotonic() - began
    told = "" if run.incoming else f", and set aside: {_set_aside(run, bad)}"
    return f"an image and an archive are stored after {seconds:.0f} s{told}"


def _folder(folder: Path) -> tuple[Callable[[str, bytes], object], Callable[[str], bool]]:
    """Return what puts a file into a watched folder, and what tells whether there are any of a name."""

    def put(name: str, content: bytes) -> None:
        unfinished = folder / f"{name}.part"
        unfinished.write_bytes(content)
        unfinished.rename(folder / name)

    return put, lambda name: any(folder.glob(f"*{name}*"))


def _bucket(run: Run) -> tuple[Callable[[str, bytes], object], Callable[[str], bool]]:
    """Do the same for the bucket of a stack.

    Raises
    ------
    LeftOutError
        If the stack may have a rule for our names: where the products would go, nobody here knows.
    """
    stack = run.deployed
    if _may_have_rules(stack):
        raise LeftOutError("what becomes of files is a matter of the stack's ArrivalRules")
    s3, bucket = stack.client("s3"), stack.outputs["DicomBucketName"]

    def put(name: str, content: bytes) -> None:
        s3.put_object(Bucket=bucket, Key=f"{INCOMING}{name}", Body=content)

    return put, lambda name: bool(stack.stored(f"{INCOMING}{name}"))


def _may_have_rules(stack: Deployed) -> bool:
    given = stack.parameters
    rules = json.loads(given.get("ArrivalRules") or "{}")
    by_name = any("smoke-".startswith(prefix) or prefix.startswith("smoke-") for prefix in rules)
    return by_name or "ArrivalRules" in given.get("Settings", "") or bool(given.get("SettingsVersion"))


def _set_aside(run: Run, content: bytes) -> str:
    """Return the reason for which a file was set aside; nothing of both stays."""
    stack = run.deployed
    s3, bucket = stack.client("s3"), stack.outputs["DicomBucketName"]
    _until(lambda: _rejected(run, content) is not None, "a file that is no image was not set aside")
    key = _rejected(run, content)
    reason = json.loads(s3.get_object(Bucket=bucket, Key=f"{key}.json")["Body"].read())
    for one in (key, f"{key}.json"):
        s3.delete_object(Bucket=bucket, Key=one)
    return str(reason["Details"])


def _rejected(run: Run, content: bytes) -> str | None:
    """Return the key under which a file was set aside meanwhile."""
    s3, bucket = run.deployed.client("s3"), run.deployed.outputs["DicomBucketName"]
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=REJECTED):
        for one in page.get("Contents", ()):
            if one["Size"] != len(content) or one["LastModified"].timestamp() < run.began - _CLOCK:
                continue
            if s3.get_object(Bucket=bucket, Key=one["Key"])["Body"].read() == content:
                return str(one["Key"])
    return None


def _is_stored(run: Run, content: bytes) -> bool:
    """Tell whether an image is in the store, to the byte; another one fails the step."""
    answer = run.client.get(f"/instances/{_instance(content)}/file")
    expect(answer.status != HTTPStatus.OK or answer.body == content, "a file was stored changed")
    return answer.status == HTTPStatus.OK


def _instance(content: bytes) -> str:
    """Return what Orthanc calls an image."""
    return ancestry_of(describe(BufferSource(content), default_encoding="Latin1").identifiers).instance


def _until(is_so: Callable[[], bool], told: str) -> None:
    until = time.monotonic() + _PATIENCE
    while not is_so():
        expect(time.monotonic() < until, told)
        time.sleep(_PAUSE)
