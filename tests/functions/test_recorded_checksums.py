"""What is recorded of each stored file is the CRC-32 of its bytes, whatever has made it."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pydicom
import pytest
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian

from dicomorph import bootstrap
from dicomorph.model.settings import OverwriteInstances
from tests.support.api_client import Client, InlineRunner, make_dicom
from tests.support.damage import stored_bytes, stored_object

MIB = 1 << 20
IN_PLACE = {
    "Keep": ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"],
    "Replace": {"StudyDescription": "longer than it was"},
    "Force": True,
}


def padded(size: int) -> Callable[[int], bytes]:
    """Return what makes files of exactly so many bytes."""

    def make(instance: int) -> bytes:
        room = size - len(make_dicom(instance=instance, PixelData=b"", BitsAllocated=8))
        pixels = (bytes(range(251)) * (room // 251 + 1))[:room]
        return make_dicom(instance=instance, PixelData=pixels, BitsAllocated=8)

    return make


def encoded(syntax: UID) -> Callable[[int], bytes]:
    """Return what makes files of two megabytes in a transfer syntax."""

    def make(instance: int) -> bytes:
        data = pydicom.dcmread(io.BytesIO(padded(2 * MIB)(instance)))
        data.file_meta.TransferSyntaxUID = syntax
        stream = io.BytesIO()
        data.save_as(stream, enforce_file_format=True, implicit_vr=syntax == ImplicitVRLittleEndian)
        return stream.getvalue()

    return make


def overlaid(megabytes: int) -> Callable[[int], bytes]:
    """Return what makes files whose pixels hold an overlay, of which an anonymization masks the bits."""

    def make(instance: int) -> bytes:
        geometry: dict[str, Any] = {"Rows": 512, "Columns": 1024 * megabytes, "SamplesPerPixel": 1}
        cell: dict[str, Any] = {
            "BitsAllocated": 16,
            "BitsStored": 12,
            "HighBit": 11,
            "PixelRepresentation": 1,
        }
        pixels = bytes(range(256)) * (4096 * megabytes)
        data = pydicom.dcmread(
            io.BytesIO(make_dicom(instance=instance, **geometry, **cell, PixelData=pixels))
        )
        data.add_new(0x60000010, "US", 512)
        data.add_new(0x60000011, "US", 1024 * megabytes)
        data.add_new(0x60000040, "CS", "G")
        data.add_new(0x60000050, "SS", [1, 1])
        data.add_new(0x60000100, "US", 16)
        data.add_new(0x60000102, "US", 12)
        stream = io.BytesIO()
        data.save_as(stream, enforce_file_format=True)
        return stream.getvalue()

    return make


FILES: dict[str, Callable[[int], bytes]] = {
    "small": lambda instance: make_dicom(instance=instance),
    "of a window": padded(MIB),
    "of a window and more": padded(MIB + 2),
    "copied by the kernel": padded(8 * MIB + 200),
    "implicit": encoded(ImplicitVRLittleEndian),
    "deflated": encoded(DeflatedExplicitVRLittleEndian),
    "masked": overlaid(1),
    "masked as it is copied": overlaid(9),
    "padded": lambda instance: make_dicom(
        instance=instance, PixelData=bytes(99_000), BitsAllocated=8, DataSetTrailingPadding=bytes(64)
    ),
}
ON_AWS = [
    "masked",
    *(
        pytest.param(name, marks=pytest.mark.slow)
        for name in ("of a window and more", "copied by the kernel", "deflated")
    ),
]


@pytest.fixture(params=[OverwriteInstances.NEVER, OverwriteInstances.IF_CHANGED], ids=["Never", "IfChanged"])
def client(client: Client, runner: InlineRunner, request: pytest.FixtureRequest) -> Client:
    """A server under each setting, which decides whether products have an MD5, and what they replace."""
    settings = replace(client.backend.settings, overwrite_instances=request.param)
    client.backend = runner.backend = replace(client.backend, settings=settings)
    bootstrap.use_backend(client.backend)
    return client


def check(server: Client, **expected: int) -> None:
    """Compare what is recorded of each file with its bytes."""
    found = server.get("/instances").json
    for instance in found:
        ref, data = stored_object(server.backend, instance), stored_bytes(server.backend, instance)
        assert (ref.size, ref.crc32) == (len(data), zlib.crc32(data))
    assert len(found) == expected["instances"]


def ask(server: Client, path: str, body: dict[str, Any], *, instances: int) -> dict[str, Any]:
    answer = server.post(path, body)
    assert answer.status == 200, answer
    check(server, instances=instances)
    return dict(answer.json)


def assert_recorded(server: Client, make: Callable[[int], bytes]) -> None:
    """Upload files, and make products of products of them by jobs of every kind."""
    plain = server.post("/instances", make(1))
    server.post("/instances", gzip.compress(make(2), 1), headers={"Content-Encoding": "gzip"})
    check(server, instances=2)
    source = plain.json["ParentStudy"]
    anonymized = ask(server, f"/studies/{source}/anonymize", {}, instances=4)["ID"]
    changed = {"Replace": {"StudyDescription": "changed"}, "KeepSource": False}
    modified = ask(server, f"/studies/{anonymized}/modify", changed, instances=4)["ID"]
    if server.backend.settings.overwrite_instances.replaces:
        ask(server, f"/studies/{modified}/modify", IN_PLACE, instances=4)
    bulk = {"Resources": [modified], "Level": "Study", "Replace": {"StudyDescription": "bulk"}}
    ask(server, "/tools/bulk-modify", bulk, instances=6)
    series = server.get(f"/studies/{modified}").json["Series"]
    split = ask(server, f"/studies/{modified}/split", {"Series": series, "KeepSource": False}, instances=6)
    merged = {"Resources": [split["TargetStudy"]], "KeepSource": False}
    ask(server, f"/studies/{source}/merge", merged, instances=6)


@pytest.mark.parametrize("name", FILES)
def test_each_file_has_the_checksum_of_its_bytes(client: Client, name: str) -> None:
    assert_recorded(client, FILES[name])


@pytest.mark.parametrize("name", ON_AWS)
def test_so_it_is_on_aws(aws_client: Client, name: str) -> None:
    assert_recorded(aws_client, FILES[name])
