"""Large objects on S3: what passes through this process, and what is left when it is interrupted anywhere."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from dicomorph.aws.objects.store import S3Store
from dicomorph.dicom.stream.edit_script import EditScript, ScriptPart
from dicomorph.dicom.stream.kept_part import KeptPart
from dicomorph.dicom.stream.masked_range import BitMask, MaskedRange
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.model.errors import CorruptedFileError, InternalError, TransientError
from dicomorph.model.resources import ObjectRef
from dicomorph.services.edit.edit_instance import edit_instance
from dicomorph.services.store.store_instance import store_instance
from tests.benchmarks.files import multi_frame
from tests.contract.indexes import make_index
from tests.contract.stores import REGION, make_bucket
from tests.contract.test_s3 import refusal
from tests.support.codestreams import encapsulated
from tests.support.counted_s3 import CountedClient
from tests.support.jobs import counts
from tests.support.large_files import JPEG, JPEG_2000, compressed_frame, encapsulated_file
from tests.workflows.embedded import Server, serve

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

SOURCE, KEY = "instances/aa/1.dcm", "instances/ab/2.dcm"
MIB = 1 << 20
DATA = bytes(range(251)) * (20 * MIB // 251)
PARTS: list[ScriptPart] = [b"new header", (300, 17 * MIB), b"tail"]
LARGE = [
    pytest.param(anonymize, size, id=f"{how}-{size}", marks=[pytest.mark.slow] * (size > 16 or not anonymize))
    for how, anonymize in (("anonymize", True), ("modify", False))
    for size in (16, 52, 200, 506)
]


@pytest.fixture
def client(s3: S3Client) -> CountedClient:
    return CountedClient(s3)


@pytest.fixture
def bucket(s3: S3Client) -> str:
    return make_bucket(s3)


@pytest.fixture
def store(client: CountedClient, bucket: str) -> S3Store:
    return S3Store(client, bucket)  # type: ignore[arg-type]


@pytest.fixture
def server(tmp_path: Path, store: S3Store) -> Server:
    """A server whose objects are on S3, and its index in the DynamoDB of the same mocked AWS."""
    found = serve(tmp_path / "data")
    index = make_index("dynamodb", tmp_path, boto3.client("dynamodb", REGION))
    found.backend = replace(found.backend, objects=store, index=index, largest_answer=4 << 20)
    return found


def stored_bytes(store: S3Store, ref: ObjectRef) -> bytes:
    with closing(store.open(ref)) as source:
        return source.read(0, source.size)


# --------------------------------------------------------------------- scripts


SCRIPTS: dict[str, tuple[list[ScriptPart], int]] = {
    "header and tail": (PARTS, 11 * MIB),
    "new bytes amid": ([(0, 9 * MIB), b"new", (8 * MIB, 19 * MIB)], 11 * MIB),
    "backwards": ([(10 * MIB, 18 * MIB), (0, 9 * MIB)], 1),
    "masked": ([b"h", MaskedRange(8, 9 * MIB, BitMask(2, "little", 0xFFF)), (9 * MIB, 16 * MIB)], 23 * MIB),
    "elsewhere": ([b"h", KeptPart(BufferSource(DATA[: 9 * MIB])), (0, 6 * MIB)], 10 * MIB),
    "many cuts": ([(n * 10_000, n * 10_000 + 9_000) for n in range(1600)], 31 * MIB),
}


@pytest.mark.parametrize(("parts", "most"), SCRIPTS.values(), ids=SCRIPTS)
def test_what_is_stored_is_what_a_rewrite_of_all_would_make(
    store: S3Store, client: CountedClient, parts: list[ScriptPart], most: int
) -> None:
    source, script = store.put(SOURCE, DATA), EditScript.of(parts)
    expected = script.join(BufferSource(DATA))
    client.forget()
    ref = store.put_edited(KEY, source, script)
    assert client.moved < most
    assert stored_bytes(store, ref) == expected
    assert store.checksum(ref) == ref.crc32 == zlib.crc32(expected)


def test_another_store_copies_what_it_can_reach(store: S3Store, client: CountedClient, s3: S3Client) -> None:
    target = S3Store(client, make_bucket(s3))  # type: ignore[arg-type]
    source, script = store.put(SOURCE, DATA), EditScript.of(PARTS)
    with closing(store.open(source)) as opened:
        client.forget()
        ref = target.put_script(KEY, opened, script)
    assert client.calls["upload_part_copy"] == 1
    assert client.moved < 11 * MIB
    assert stored_bytes(target, ref) == script.join(BufferSource(DATA))


class Faults:
    """Hands calls on; one of them, before or after it was carried out, ends in an error."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.calls = 0
        self.fails_at = 0
        self.error: BaseException = KeyboardInterrupt()
        self.is_late = False
        self.names: set[str] = set()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**options: Any) -> Any:
            is_counted = name != "abort_multipart_upload"
            self.calls += is_counted
            fails = name in self.names or (is_counted and self.calls == self.fails_at)
            if fails and not self.is_late:
                raise self.error
            answer = getattr(self._client, name)(**options)
            if fails:
                raise self.error
            return answer

        return call


@pytest.fixture
def faults(s3: S3Client) -> Faults:
    return Faults(s3)


def _left(s3: S3Client, bucket: str) -> tuple[list[str], int]:
    """Return the keys of all objects, and how many uploads are under way."""
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
    return keys, len(s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []))


@pytest.mark.parametrize("is_late", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), refusal("SlowDown", 503)], ids=["killed", "refused"])
def test_an_upload_that_is_interrupted_anywhere_leaves_nothing(
    s3: S3Client, bucket: str, faults: Faults, error: BaseException, *, is_late: bool
) -> None:
    store = S3Store(faults, bucket)  # type: ignore[arg-type]
    source, script = store.put(SOURCE, DATA), EditScript.of(PARTS)
    faults.error, faults.is_late = error, is_late
    expected = script.join(BufferSource(DATA))
    left = []
    for number in range(1, 20):
        faults.calls, faults.fails_at = 0, number
        try:
            store.put_edited(KEY, source, script)
            break
        except (KeyboardInterrupt, TransientError):
            left.append(_left(s3, bucket))
        if KEY in left[-1][0]:  # the answer to the last call got lost
            assert s3.get_object(Bucket=bucket, Key=KEY)["Body"].read() == expected
            s3.delete_object(Bucket=bucket, Key=KEY)
        for upload in s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []):
            s3.abort_multipart_upload(Bucket=bucket, Key=KEY, UploadId=upload["UploadId"])
    nothing = ([SOURCE], 0)
    assert len(left) >= 6  # the source is looked at and read, parts are sent and copied, all is completed
    # Who never got the answer to the second call knows no upload to abort: that is left to the bucket's rule.
    assert left[:2] == [nothing, ([SOURCE], 1 if is_late else 0)]
    assert all(one == nothing for one in left[2:-1])
    assert left[-1] == (([SOURCE, KEY], 0) if is_late else nothing)


def test_where_copies_between_buckets_are_refused_all_is_sent(
    s3: S3Client, bucket: str, faults: Faults
) -> None:
    store, target = S3Store(s3, bucket), S3Store(faults, make_bucket(s3))  # type: ignore[arg-type]
    script = EditScript.of(PARTS)
    faults.names, faults.error = {"upload_part_copy"}, refusal("AccessDenied", 403)
    with closing(store.open(store.put(SOURCE, DATA))) as source:
        ref = target.put_script(KEY, source, script)
        assert stored_bytes(target, ref) == script.join(BufferSource(DATA))
    with pytest.raises(InternalError):  # in its own bucket, it is a fault
        S3Store(faults, bucket).put_edited(KEY, ObjectRef(SOURCE, "", len(DATA)), script)  # type: ignore[arg-type]
    assert _left(s3, bucket) == ([SOURCE], 0)


def test_a_source_that_changes_meanwhile_is_not_copied(s3: S3Client) -> None:
    bucket = "without-versions"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    store = S3Store(s3, bucket)
    ref = store.put(SOURCE, DATA)
    with closing(store.open(ref)) as source:
        store.put(SOURCE, bytes(len(DATA)))
        with pytest.raises(TransientError):
            store.put_script(KEY, source, EditScript.of(PARTS))
    assert _left(s3, bucket) == ([SOURCE], 0)


def test_what_is_copied_is_held_against_its_checksum(store: S3Store, s3: S3Client, bucket: str) -> None:
    with pytest.raises(CorruptedFileError):
        store.put_edited(KEY, store.put(SOURCE, DATA), EditScript.of(PARTS), crc32=1)
    assert _left(s3, bucket) == ([SOURCE], 0)


def test_the_log_says_which_way_it_went(store: S3Store, caplog: pytest.LogCaptureFixture) -> None:
    source = store.put(SOURCE, DATA)
    with caplog.at_level(logging.INFO, "dicomorph"):
        store.put_edited(KEY, source, EditScript.of(PARTS))
    [record] = [found for found in caplog.records if hasattr(found, "copied_parts")]
    found = vars(record)
    assert (found["copied_parts"], found["sent_parts"]) == (1, 2)
    assert found["sent_bytes"] == 5 * MIB + 4
    assert found["copied_bytes"] + found["sent_bytes"] == EditScript.of(PARTS).size
    assert found["received_bytes"] < 6 * MIB
    assert KEY not in caplog.text
    assert SOURCE not in caplog.text


# ----------------------------------------------------------------------- edits


def _frames(syntax: str, frame: int, megabytes: int, comment: bytes = b"") -> bytes:
    made = compressed_frame(frame, syntax, comment=comment)
    return encapsulated_file(made, megabytes * MIB // len(made), syntax, behind=b"behind")


def _edits(
    server: Server, client: CountedClient, data: bytes, *, anonymize: bool
) -> Iterator[tuple[CountedClient, bytes]]:
    """Edit an instance, and in a job; yield the counts of each, and what was stored."""
    stored: dict[str, Any] = dict(store_instance(server.backend, data, remote_ip=""))
    objects = server.backend.objects
    for is_job in (False, True):
        client.forget()
        before = set(objects.keys(""))
        if is_job:
            job = server.run(stored["ParentStudy"], anonymize=anonymize)
            assert counts(job) == (1, 0)
        else:
            edit_instance(server.backend, {}, instance_id=stored["ID"], is_anonymization=anonymize)
        [key] = [key for key in set(objects.keys("")) - before if key.endswith(".dcm")]
        found = copy(client)
        product = objects.get(key)
        assert product is not None
        yield found, product


@pytest.mark.parametrize(("anonymize", "megabytes"), LARGE)
def test_twelve_megabytes_of_native_pixels_pass_through(
    server: Server, client: CountedClient, megabytes: int, *, anonymize: bool
) -> None:
    data = multi_frame(megabytes * MIB)
    for found, product in _edits(server, client, data, anonymize=anonymize):
        assert product[-MIB:] == data[-MIB:]
        assert found.plan()[0] == ("sent", 5 * MIB)
        assert {how for how, _ in found.plan()[1:]} == {"copied"}
        assert found.moved < 12_000_000


@pytest.mark.parametrize(("anonymize", "megabytes"), LARGE)
def test_frames_of_which_nothing_goes_stay_where_they_are(
    server: Server, client: CountedClient, megabytes: int, *, anonymize: bool
) -> None:
    size = max(3, megabytes // 16)  # moto copies the object for each range of it
    data = _frames(JPEG_2000, size * MIB, megabytes)
    for found, product in _edits(server, client, data, anonymize=anonymize):
        assert product.count(b"\xff\x4f\xff\x51") == data.count(b"\xff\x4f\xff\x51")
        assert {how for how, _ in found.plan()[1:-1]} <= {"copied"}
        assert found.moved < 12_000_000


@pytest.mark.parametrize(
    "megabytes", [16, *(pytest.param(size, marks=pytest.mark.slow) for size in (52, 200, 506))]
)
def test_small_frames_are_not_even_looked_at_where_nothing_goes(
    server: Server, client: CountedClient, megabytes: int
) -> None:
    data = _frames(JPEG, 20_000, megabytes)
    for found, product in _edits(server, client, data, anonymize=False):
        begin = data.index(encapsulated([]))
        assert product.endswith(data[begin:])
        assert {how for how, _ in found.plan()[1:-1]} <= {"copied"}
        assert found.moved < 12_000_000


@pytest.mark.parametrize("syntax", [JPEG, pytest.param(JPEG_2000, marks=pytest.mark.slow)])
def test_frames_of_which_something_goes_pass_through_once(
    server: Server, client: CountedClient, syntax: str
) -> None:
    data = _frames(syntax, 50_000, 16, b"PATIENT^SECRET")
    for found, product in _edits(server, client, data, anonymize=True):
        assert b"SECRET" not in product
        assert found.received < len(data) + 4 * MIB
        assert found.sent < len(data) + MIB
