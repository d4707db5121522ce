"""What the store on S3 does beyond the contract: versions, parts, errors, links."""

from __future__ import annotations

import base64
import threading
import time
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError, ReadTimeoutError

from dicomorph.aws.backend import _DOCUMENTS_AT_ONCE
from dicomorph.aws.clients import s3_client
from dicomorph.aws.objects.parts import PART_BYTES, part_size
from dicomorph.aws.objects.store import S3Store
from dicomorph.dicom.stream.edit_script import EditScript
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.model.errors import CorruptedFileError, InternalError, TransientError, UnknownResourceError
from dicomorph.model.resources import ObjectRef
from tests.contract.stores import make_bucket

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

KEY = "instances/ab/abcd/1.dcm"
MIB = 1 << 20


@pytest.fixture
def bucket(s3: S3Client) -> str:
    return make_bucket(s3)


class FaultyClient:
    """Hands calls on, and notes them; from the nth call of an operation on, something happens instead."""

    def __init__(self, client: S3Client) -> None:
        self._client = client
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.faults: dict[str, tuple[int, BaseException]] = {}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = getattr(self._client, name)

        def call(*args: Any, **options: Any) -> Any:
            self.calls.append((name, options))
            first, error = self.faults.get(name, (0, None))
            if error is not None and self.count(name) >= first:
                raise error
            return function(*args, **options)

        return call

    def count(self, name: str) -> int:
        return sum(called == name for called, _ in self.calls)


@pytest.fixture
def client(s3: S3Client) -> FaultyClient:
    return FaultyClient(s3)


@pytest.fixture
def store(client: FaultyClient, bucket: str) -> S3Store:
    return S3Store(client, bucket)  # type: ignore[arg-type]


def refusal(code: str, status: int) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": KEY}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "Operation",
    )


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (refusal("SlowDown", 503), TransientError),
        (refusal("ThrottlingException", 400), TransientError),
        (refusal("InternalError", 500), TransientError),
        (refusal("Whatever", 502), TransientError),
        (refusal("RequestTimeout", 400), TransientError),
        (refusal("BadDigest", 400), TransientError),
        (refusal("InvalidRange", 416), CorruptedFileError),
        (refusal("NoSuchKey", 404), UnknownResourceError),
        (refusal("NoSuchVersion", 404), UnknownResourceError),
        (refusal("AccessDenied", 403), InternalError),
        (refusal("NoSuchBucket", 404), InternalError),
        (EndpointConnectionError(endpoint_url="https://s3"), TransientError),
        (ReadTimeoutError(endpoint_url="https://s3"), TransientError),
        (NoCredentialsError(), InternalError),
    ],
    ids=lambda value: getattr(value, "__name__", None) or type(value).__name__,
)
def test_errors_are_translated(
    store: S3Store, client: FaultyClient, raised: BaseException, expected: type[Exception]
) -> None:
    for operation in ("get_object", "put_object", "delete_objects"):
        client.faults[operation] = (1, raised)
    for use in (
        lambda: store.open(ObjectRef(KEY, "", 5)),
        lambda: store.put(KEY, b""),
        lambda: store.discard([ObjectRef(KEY, "", 5)], pinned=False),
    ):
        with pytest.raises(expected) as caught:
            use()
        assert KEY not in str(caught.value)


def test_an_old_version_is_read_as_it_was(store: S3Store) -> None:
    old = store.put(KEY, b"old bytes")
    new = store.put(KEY, b"new bytes, and more")
    assert old.version != new.version
    with closing(store.open(old)) as source:
        assert source.read(0, 100) == b"old bytes"


def test_what_was_written_twice_outlives_its_first_version(store: S3Store, s3: S3Client, bucket: str) -> None:
    first = store.put(KEY, b"the same bytes")
    store.put(KEY, b"the same bytes")  # by a duplicated task
    s3.delete_object(Bucket=bucket, Key=KEY, VersionId=first.version)  # as the lifecycle rule does
    with closing(store.open(first)) as source:
        assert source.read(0, 100) == b"the same bytes"
    store.discard([first], pinned=False)
    with pytest.raises(UnknownResourceError):
        store.open(first)


def test_deleting_leaves_the_versions(store: S3Store, s3: S3Client, bucket: str) -> None:
    ref = store.put(KEY, b"bytes")
    store.discard([ref, ref], pinned=False)
    versions = s3.list_object_versions(Bucket=bucket)
    assert [version["VersionId"] for version in versions["Versions"]] == [ref.version]
    assert len(versions["DeleteMarkers"]) == 1


def test_a_part_that_fails_leaves_nothing(
    store: S3Store, client: FaultyClient, s3: S3Client, bucket: str
) -> None:
    source = store.put("source.dcm", bytes(5 * MIB))
    script = EditScript.of([b"x" * (5 * MIB), (0, 5 * MIB), b"end"])
    faults: list[tuple[str, int, BaseException, type[BaseException]]] = [
        ("upload_part", 1, refusal("SlowDown", 503), TransientError),
        ("upload_part", 2, KeyboardInterrupt(), KeyboardInterrupt),
        ("upload_part_copy", 1, refusal("SlowDown", 503), TransientError),
        ("complete_multipart_upload", 1, refusal("SlowDown", 503), TransientError),
    ]
    for operation, number, error, expected in faults:
        client.calls.clear()
        client.faults = {operation: (number, error)}
        with pytest.raises(expected):
            store.put_edited(KEY, source, script)
        assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
        assert list(store.keys("")) == ["source.dcm"]
    client.faults = {}
    assert store.put_edited(KEY, source, script).size == 10 * MIB + 3


def test_an_abort_that_fails_hides_no_error(store: S3Store, client: FaultyClient) -> None:
    source = store.put("source.dcm", bytes(5 * MIB))
    client.faults = {
        "upload_part_copy": (1, refusal("SlowDown", 503)),
        "abort_multipart_upload": (1, refusal("AccessDenied", 403)),
    }
    with pytest.raises(TransientError):
        store.put_edited(KEY, source, EditScript.of([(0, 5 * MIB)] * 3))


def test_a_header_is_read_by_one_request(store: S3Store, client: FaultyClient) -> None:
    ref = store.put(KEY, bytes(9 * MIB))
    with closing(store.open(ref)) as source:
        for at in range(0, 60_000, 1000):
            source.window(at, 1000)
        assert client.count("get_object") == 1
        source.window(8 * MIB, 100)
        assert client.count("get_object") == 2
    ranges = [options["Range"] for name, options in client.calls if name == "get_object"]
    sizes = [1 - eval(one.removeprefix("bytes=")) for one in ranges]  # noqa: S307 - "a-b" is -(b - a)
    assert sizes[0] >= 64 << 10
    assert sum(sizes) < MIB


def test_a_walk_through_a_large_header_takes_few_requests(store: S3Store, client: FaultyClient) -> None:
    ref = store.put(KEY, bytes(20 * MIB))
    with closing(store.open(ref)) as source:
        for at in range(0, 20 * MIB, 10_000):
            buffer, start = source.window(at, 20_000)
            assert start <= at
            assert len(buffer) <= 17 * MIB
    assert client.count("get_object") < 15


def test_a_small_object_is_read_whole(store: S3Store, client: FaultyClient) -> None:
    ref = store.put(KEY, bytes(600_000))
    with closing(store.open(ref)) as source:
        source.read(0, 132)
        source.read(599_000, 600_000)
        source.window(0, 600_000)
    assert client.count("get_object") == 1


@pytest.mark.parametrize("size", [0, PART_BYTES, 50 << 30, 5 << 40])
def test_parts_are_within_the_limits(size: int) -> None:
    part = part_size(size)
    assert 5 * MIB <= part <= 5 << 30
    assert -(-size // part) <= 10_000


def test_a_link_names_the_file_and_outlives_its_version(store: S3Store) -> None:
    ref = store.put(KEY, b"bytes")
    query = parse_qs(urlsplit(store.link(ref, file_name='a"b\r\nX: y.dcm')).query)
    assert query["response-content-disposition"] == ['attachment; filename="a_b__X_ y.dcm"']
    assert "versionId" not in query
    assert int(query.get("X-Amz-Expires", ["900"])[0]) <= 900


@pytest.mark.parametrize("size", [0, 5, PART_BYTES, 2 * PART_BYTES + 5])
def test_objects_are_checked_and_typed(store: S3Store, s3: S3Client, bucket: str, size: int) -> None:
    data = b"bytes" * (size // 5)
    ref = store.put_script(KEY, BufferSource(data), EditScript.of([(0, len(data))]))
    head = s3.head_object(Bucket=bucket, Key=ref.key, ChecksumMode="ENABLED")
    assert head["ContentType"] == "application/dicom"
    assert head["ChecksumCRC32"] == base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()
    assert store.checksum(ref) == ref.crc32 == zlib.crc32(data)


def test_s3_is_told_the_checksum_of_all_parts_together(
    store: S3Store, client: FaultyClient, s3: S3Client, bucket: str
) -> None:
    store.put_script(KEY, BufferSource(bytes(9 * MIB)), EditScript.of([(0, 9 * MIB)]))
    told = dict(client.calls)["complete_multipart_upload"]
    assert told["ChecksumType"] == "FULL_OBJECT"
    assert told["ChecksumCRC32"] == base64.b64encode(zlib.crc32(bytes(9 * MIB)).to_bytes(4, "big")).decode()


@pytest.mark.parametrize("options", [{}, {"ChecksumAlgorithm": "SHA256"}], ids=["none", "SHA-256"])
def test_an_object_without_a_crc32_of_its_own_is_read_for_it(
    store: S3Store, s3: S3Client, bucket: str, options: dict[str, Any]
) -> None:
    s3.put_object(Bucket=bucket, Key=KEY, Body=b"stored earlier", **options)
    assert store.checksum(ObjectRef(KEY, "", 14)) == zlib.crc32(b"stored earlier")


@pytest.mark.parametrize("size", [3, 9 * MIB])
def test_what_does_not_have_its_checksum_is_not_stored(store: S3Store, size: int) -> None:
    uses: list[Callable[[], object]] = [
        lambda: store.put(KEY, bytes(size), crc32=1),
        lambda: store.put_script(KEY, BufferSource(bytes(size)), EditScript.of([(0, size)]), crc32=1),
    ]
    for use in uses:
        with pytest.raises(CorruptedFileError):
            use()
    assert list(store.keys("")) == []


def test_all_who_look_for_objects_at_once_have_a_connection_each(bucket: str) -> None:
    """Finalization looks for the products of several batches, while it reads the outcomes of others."""
    client = s3_client()
    config: Any = client.meta.config
    looking = FewAtOnce(client)
    store = S3Store(cast("S3Client", looking), bucket)
    refs = [store.put(f"instances/ab/{number}.dcm", b"DICM") for number in range(12)]
    with ThreadPoolExecutor(_DOCUMENTS_AT_ONCE) as batches:
        assert all(batches.map(lambda _: store.are_stored(refs), range(_DOCUMENTS_AT_ONCE)))
    assert 1 < looking.most <= config.max_pool_connections - 2 * _DOCUMENTS_AT_ONCE


class FewAtOnce:
    """Hands calls on, and notes how many are under way at most."""

    def __init__(self, client: S3Client) -> None:
        self._client = client
        self._lock = threading.Lock()
        self.now = self.most = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**options: Any) -> Any:
            with self._lock:
                self.now += 1
                self.most = max(self.most, self.now)
            time.sleep(0.02)  # as S3 takes
            try:
                return getattr(self._client, name)(**options)
            finally:
                with self._lock:
                    self.now -= 1

        return call
