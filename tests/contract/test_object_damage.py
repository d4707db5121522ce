"""Stored objects that are not what was stored, on each store: sizes, checksums, and what is told of them."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dicomorph.aws.objects.store import S3Store
from dicomorph.dicom.stream.edit_script import EditScript, ScriptPart
from dicomorph.dicom.stream.masked_range import BitMask, MaskedRange
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.model.errors import CorruptedFileError, UnknownResourceError
from dicomorph.model.resources import ObjectRef
from dicomorph.ports.objects import ObjectStore
from dicomorph.services.damage import check_object

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

KEY = "instances/ab/abcd-ef/1.dcm"
MIB = 1 << 20
DATA = random.Random(3).randbytes(5 * MIB)  # noqa: S311 - the same at every run
Overwrite = Callable[[ObjectRef, bytes], ObjectRef]

SIZES: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda data: data[:-1],
    "truncated to half": lambda data: data[: len(data) // 2],
    "empty": lambda _: b"",
    "longer": lambda data: data + b"\0",
}


@pytest.fixture
def overwrite(store: ObjectStore, tmp_path: Path, s3: S3Client) -> Overwrite:
    """Change what is stored, behind the back of the store; return how it is referred to."""

    def on_s3(ref: ObjectRef, data: bytes) -> ObjectRef:
        assert isinstance(store, S3Store)
        s3.put_object(Bucket=store._bucket, Key=ref.key, Body=data)
        return replace(ref, version="")  # versions cannot be changed

    def in_folder(ref: ObjectRef, data: bytes) -> ObjectRef:
        (tmp_path / "data/objects" / ref.key).write_bytes(data)
        return ref

    return on_s3 if isinstance(store, S3Store) else in_folder


@pytest.mark.parametrize("size", [20, 70_000, 3 * MIB])
@pytest.mark.parametrize("damage", SIZES)
def test_an_object_of_another_size_is_not_read(
    store: ObjectStore, overwrite: Overwrite, size: int, damage: str
) -> None:
    whole = store.put(KEY, DATA[:size])
    ref = overwrite(whole, SIZES[damage](DATA[:size]))
    uses: list[Callable[[], object]] = [
        lambda: store.open(ref).read(0, size),
        lambda: store.put_edited("instances/ff/2.dcm", ref, EditScript.of([b"new", (size - 3, size)])),
        lambda: store.link(ref, file_name="1.dcm"),
        lambda: store.checksum(ref),
        lambda: check_object(store, ref),
    ]
    for use in uses:
        with pytest.raises(CorruptedFileError):
            use()
    assert not store.are_stored([ref])
    assert list(store.keys("")) == [KEY]


@pytest.mark.parametrize("size", [20, 70_000, 3 * MIB])
@pytest.mark.parametrize("at", [0, 0.5, 1], ids=["first", "middle", "last"])
def test_a_flipped_bit_is_found(store: ObjectStore, overwrite: Overwrite, size: int, at: float) -> None:
    ref = store.put(KEY, DATA[:size])
    check_object(store, ref)
    changed = bytearray(DATA[:size])
    changed[int(at * (size - 1))] ^= 0x10
    ref = overwrite(ref, bytes(changed))
    with pytest.raises(CorruptedFileError):
        check_object(store, ref)
    assert store.checksum(ref) == zlib.crc32(changed)
    check_object(store, replace(ref, crc32=None))  # nobody knows
    overwrite(ref, DATA[:size])
    check_object(store, ref)


def test_an_object_that_is_gone_is_unknown_not_damaged(store: ObjectStore) -> None:
    ref = ObjectRef(KEY, "", 5, 7)
    uses: list[Callable[[], object]] = [
        lambda: store.checksum(ref),
        lambda: store.link(ref, file_name="1.dcm"),
        lambda: check_object(store, ref),
    ]
    for use in uses:
        with pytest.raises(UnknownResourceError):
            use()
    assert not store.are_stored([ref])


SCRIPTS: dict[str, list[ScriptPart]] = {
    "nothing": [],
    "new bytes": [b"DICM", b"", b"x"],
    "a header and the rest": [b"new header", (300, 5 * MIB)],
    "many short pieces": [b"ab" if n % 2 else (n * 10, n * 10 + 7) for n in range(3000)],
    "backwards": [(4 * MIB, 5 * MIB), (0, 3 * MIB), b"end"],
    "more than a part": [(0, 5 * MIB), b"and", (0, 5 * MIB), b"y" * (3 * MIB), (1, 2)],
    "masked": [b"pixels", MaskedRange(7, 4 * MIB, BitMask(2, "little", 0x0FFF, 0x0800)), b"!"],
}


@pytest.mark.parametrize("parts", SCRIPTS.values(), ids=SCRIPTS)
def test_what_is_stored_has_the_checksum_that_its_reference_says(
    store: ObjectStore, tmp_path: Path, parts: list[ScriptPart]
) -> None:
    source, script = store.put(KEY, DATA), EditScript.of(parts)
    output = script.join(BufferSource(DATA))
    crc32 = zlib.crc32(output)
    (tmp_path / "upload").write_bytes(output)
    stored = [
        store.put("instances/ff/1.dcm", output),
        store.put_file("instances/ff/2.dcm", str(tmp_path / "upload")),
        store.put_edited("instances/ff/3.dcm", source, script),
        store.put_edited("instances/ff/4.dcm", source, script, crc32=crc32),
        store.put_script("instances/ff/5.dcm", BufferSource(DATA), script),
        store.put_script("instances/ff/6.dcm", BufferSource(DATA), script, crc32=crc32),
    ]
    assert [ref.crc32 for ref in stored] == [crc32] * 6
    assert [store.checksum(ref) for ref in stored] == [crc32] * 6
    assert store.are_stored(stored)
    for ref in stored:
        with closing(store.open(ref)) as opened:
            assert opened.read(0, opened.size) == output
