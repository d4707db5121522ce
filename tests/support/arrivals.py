"""Places of arrival for tests: a folder, and a bucket of a mocked S3, each with a store of its own."""

from __future__ import annotations

import inspect
import io
import json
import secrets
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Protocol

import boto3

from dicomorph.aws.arrivals.objects import S3Arrivals
from dicomorph.aws.backend import aws_backend
from dicomorph.aws.environment import Environment
from dicomorph.dicom.stream.source import Scratch
from dicomorph.embedded.arrivals.folder import FolderArrivals
from dicomorph.embedded.arrivals.sightings import version_of
from dicomorph.embedded.backend import embedded_backend
from dicomorph.embedded.objects.store import FileStore
from dicomorph.model.settings import Settings, parse_settings
from dicomorph.ports.arrivals import Arrivals, Arrived
from dicomorph.services.arrival.door import Door
from dicomorph.services.arrival.rules import ArrivalRules
from dicomorph.services.backend import Backend, Target
from dicomorph.services.server.allow_lists import allow_lists_of
from tests.support.idle_runner import IdleRunner
from tests.support.index_roles import around
from tests.support.index_schema import index_schema
from tests.support.quick_moto import quick_aws

BUCKET = "dicom"
REGION: Final = "eu-central-1"
DOORS = ("folder", "bucket")


class Place(Protocol):
    """Where a test lets files arrive."""

    arrivals: Arrivals

    def bring(self, name: str, content: bytes) -> Arrived:
        """Let a file arrive."""

    def waiting(self) -> int:
        """Count the files that are there."""


class FolderPlace:
    """A folder; a name that is brought twice is there twice, each time in another folder."""

    def __init__(self, folder: Path, scratch: Scratch) -> None:
        self.arrivals: Arrivals = FolderArrivals(str(folder), scratch)
        self._folder = folder
        folder.mkdir()

    def bring(self, name: str, content: bytes) -> Arrived:
        below = secrets.token_hex(8)
        path = self._folder / below / "Doe^Jane.dcm"
        path.parent.mkdir()
        path.write_bytes(content)
        place = f"{below}/{path.name}"
        return Arrived(name, place, version_of(place, path.stat()))

    def waiting(self) -> int:
        return sum(path.is_file() for path in self._folder.rglob("*"))


class BucketPlace:
    """The part of a bucket in which objects arrive."""

    def __init__(self, arrivals: Arrivals) -> None:
        self.arrivals = arrivals
        self._s3 = boto3.client("s3")

    def bring(self, name: str, content: bytes) -> Arrived:
        key = f"incoming/{name}"
        put = self._s3.put_object(Bucket=BUCKET, Key=key, Body=content, Metadata={"patient": "Doe"})
        return Arrived(name, key, put["VersionId"])

    def waiting(self) -> int:
        found = self._s3.list_object_versions(Bucket=BUCKET, Prefix="incoming/")
        return len(found.get("Versions", ())) + len(found.get("DeleteMarkers", ()))


class House:
    """A store, its door, and what a test looks at."""

    def __init__(self, backend: Backend, place: Place) -> None:
        self.place = place
        self.backend = backend
        self.targets: Mapping[str, Target] = backend.targets

    def door(self, rules: Mapping[str, Any] | None = None, **settings: Any) -> Door:
        """Return a door as a process that starts has it."""
        names = dict.fromkeys(self.targets, "/unused")
        found = parse_settings({"ArrivalRules": rules or {}, "Targets": names, **settings})
        self.backend = replace(self.backend, settings=found)
        return Door(
            backend=self.backend,
            arrivals=self.place.arrivals,
            rejected=Target(self.backend.objects, "rejected/"),
            rules=ArrivalRules(found, allow_lists_of(self.backend)),
        )

    def keys(self, prefix: str) -> list[str]:
        return list(self.backend.objects.keys(prefix))

    def files(self) -> list[bytes]:
        """Return the files in the store."""
        found = [self.backend.objects.get(key) for key in self.keys("instances/")]
        return [one for one in found if one is not None]

    def rejected(self) -> list[bytes]:
        """Return the files that were set aside; each has a reason beside it."""
        keys = self.keys("rejected/")
        files = [key for key in keys if not key.endswith(".json")]
        assert {f"{key}.json" for key in files} == set(keys) - set(files)
        return [self.backend.objects.get(key) or b"" for key in files]

    def reasons(self) -> list[bytes]:
        return [
            self.backend.objects.get(key) or b"" for key in self.keys("rejected/") if key.endswith(".json")
        ]

    @property
    def instances(self) -> int:
        return self.backend.index.catalogue.statistics().instances


@contextmanager
def house(kind: str, folder: Path) -> Iterator[House]:
    """Give a house with a target named ``research``."""
    with _folder_house(folder) if kind == "folder" else _bucket_house() as found:
        yield found


@contextmanager
def _folder_house(folder: Path) -> Iterator[House]:
    settings = Settings(sync_storage_area=False, targets={"research": str(folder / "research")})
    data = folder / "data"
    data.mkdir()
    backend = embedded_backend(data, settings, epoch=None, runner=IdleRunner())
    yield House(backend, FolderPlace(folder / "incoming", backend.objects.scratch))
    for store in (backend.objects, *(target.store for target in backend.targets.values())):
        assert isinstance(store, FileStore)
        store.close()


@contextmanager
def _bucket_house() -> Iterator[House]:
    with quick_aws():
        s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
        for bucket in (BUCKET, "research"):
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        dynamodb.create_table(TableName="index", **index_schema())
        backend = aws_backend(
            Environment("index", BUCKET, "", settings='{"Targets": {"research": "research/out"}}')
        )
        yield House(backend, BucketPlace(S3Arrivals(s3, BUCKET, backend.objects.scratch)))


def zipped(members: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return an archive; names that end in a slash are folders."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return stream.getvalue()


EVENTS = Path(__file__).parents[2] / "events"


def object_created(bucket: str, key: str, version: str) -> dict[str, Any]:
    """Return the event of S3, as EventBridge passes it on."""
    event: dict[str, Any] = json.loads((EVENTS / "s3/object_created.json").read_text(encoding="utf-8"))
    created = {**event["detail"]["object"], "key": key, "version-id": version}
    return {**event, "detail": {**event["detail"], "bucket": {"name": bucket}, "object": created}}


def sqs_event(*bodies: Mapping[str, Any], receives: int = 1) -> dict[str, Any]:
    """Return what Lambda passes on of messages with these bodies."""
    event = json.loads((EVENTS / "sqs/arrivals.json").read_text(encoding="utf-8"))
    record = event["Records"][0]
    attributes = {**record["attributes"], "ApproximateReceiveCount": str(receives)}
    return {
        "Records": [
            {**record, "messageId": str(number), "body": json.dumps(body), "attributes": attributes}
            for number, body in enumerate(bodies)
        ]
    }


@dataclass
class Fault:
    """What befalls the nth call of a store, of the index or of the place of arrival."""

    at: int
    error: BaseException
    calls: int = 0

    def strike(self) -> None:
        """Count a call that is about to be made."""
        self.calls += 1
        if self.calls == self.at:
            raise self.error

    def around(self, door: Door) -> Door:
        """Return a door all of whose calls may be struck."""
        backend = door.backend
        ports: Any = {name: around(getattr(backend, name), self._wrapped) for name in ("objects", "index")}
        targets = {
            name: replace(one, store=self._wrapped(one.store)) for name, one in backend.targets.items()
        }
        return Door(
            backend=replace(backend, targets=targets, **ports),
            arrivals=self._wrapped(door.arrivals),
            rejected=door.rejected and replace(door.rejected, store=self._wrapped(door.rejected.store)),
            rules=door.rules,
        )

    def _wrapped(self, port: Any) -> Any:
        return _Struck(port, self)


class _Struck:
    def __init__(self, port: Any, fault: Fault) -> None:
        self._port = port
        self._fault = fault

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if not inspect.ismethod(found):
            return found

        def call(*args: Any, **options: Any) -> Any:
            self._fault.strike()
            return found(*args, **options)

        return call
