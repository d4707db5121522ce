"""The setting IngestTranscoding holds for every door: what comes by two of them is known again."""

from __future__ import annotations

import hashlib
import io
import zlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from pydicom import dcmread

from dicomorph.model.resources import Level
from dicomorph.model.settings import OverwriteInstances
from dicomorph.services.arrival.door import Door
from dicomorph.services.arrival.outcomes import Produced, Rejected, Stored, Worked
from dicomorph.services.arrival.take import take
from dicomorph.services.arrival.take_sent import take_sent
from dicomorph.services.store.store_instance import store_instance
from dicomorph.services.uploads.begin import begin
from dicomorph.services.uploads.view import view
from tests.support.api_client import make_dicom
from tests.support.arrivals import House, zipped
from tests.support.images import GREY

BASELINE, DEFLATED = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.1.99"
RLE = "1.2.840.10008.1.2.5"
REFUSED = "Refused"
IMAGE, OTHER = make_dicom(**GREY), make_dicom(**GREY, PatientSex="F")
ALWAYS, NEVER, IF_CHANGED = OverwriteInstances.ALWAYS, OverwriteInstances.NEVER, OverwriteInstances.IF_CHANGED
Send = Callable[[House, Door, bytes], str]

on_files = pytest.mark.parametrize("home", ["folder"], indirect=True)


def by_request(_: House, door: Door, content: bytes) -> str:
    return str(store_instance(door.backend, content, remote_ip="")["Status"])


def by_arrival(home: House, door: Door, content: bytes) -> str:
    taken = take(door, home.place.bring("a", content))
    assert isinstance(taken, Stored | Rejected)
    return REFUSED if isinstance(taken, Rejected) else str(taken.answer["Status"])


def in_archive(home: House, door: Door, content: bytes) -> str:
    taken = take(door, home.place.bring("a", zipped({"member": content})))
    assert isinstance(taken, Worked)
    return str(taken.progress.answers[0]["Status"]) if taken.progress.answers else REFUSED


def by_upload(home: House, door: Door, content: bytes) -> str:
    upload = str(begin(door.backend, {"Size": len(content)}, address="http://localhost")["ID"])
    take(door, home.place.bring(f"uploads/{upload}", content))
    return _told(door, upload)


def by_server(_: House, door: Door, content: bytes) -> str:
    return _sent(door, content)


def by_server_in_archive(_: House, door: Door, content: bytes) -> str:
    return _sent(door, zipped({"member": content}))


def _sent(door: Door, content: bytes) -> str:
    upload = str(begin(door.backend, {"Size": len(content)}, address="http://localhost")["ID"])
    take_sent(door.backend, upload, content, remote_ip="", seconds_left=lambda: 1.0)
    return _told(door, upload)


def _told(door: Door, upload: str) -> str:
    content: Any = view(door.backend, upload)["Content"]
    [answer] = content if isinstance(content, list) else [content]
    return str(answer["Status"])


WAYS: tuple[Send, ...] = (by_request, by_arrival, in_archive, by_upload, by_server, by_server_in_archive)
TELLING_NOBODY = (by_arrival, in_archive)
"""Nobody has the file any more once it is taken there: another one that stays is no success."""


def stored(home: House) -> bytes:
    """Return the one file that is stored; what is recorded of it is true."""
    catalogue = home.backend.index.catalogue
    [instance_id] = catalogue.ids(Level.INSTANCE)
    found = catalogue.get(Level.INSTANCE, instance_id)
    assert found is not None
    assert found.object is not None
    [data] = home.files()
    assert (found.object.size, found.object.crc32) == (len(data), zlib.crc32(data))
    assert found.md5 in ("", hashlib.md5(data, usedforsecurity=False).hexdigest())
    syntax = dcmread(io.BytesIO(data), stop_before_pixels=True).file_meta.TransferSyntaxUID
    assert found.metadata["TransferSyntax"].value == syntax
    return data


def opened(home: House, overwrite: OverwriteInstances, syntax: str = RLE) -> Door:
    door = home.door(IngestTranscoding=syntax) if syntax else home.door()
    settings = replace(door.backend.settings, overwrite_instances=overwrite)
    return replace(door, backend=replace(door.backend, settings=settings))


@on_files
@pytest.mark.parametrize(
    ("overwrite", "again"), [(NEVER, "AlreadyStored"), (IF_CHANGED, "AlreadyStored"), (ALWAYS, "Success")]
)
def test_the_same_file_is_known_by_whatever_way_it_comes(
    home: House, overwrite: OverwriteInstances, again: str
) -> None:
    door = opened(home, overwrite)
    for number, send in enumerate((*WAYS, *reversed(WAYS))):
        assert send(home, door, IMAGE) == (again if number else "Success"), send.__name__
        copy = dcmread(io.BytesIO(stored(home)))
        assert (copy.file_meta.TransferSyntaxUID, copy.pixel_array.tobytes()) == (RLE, GREY["PixelData"])
    assert home.keys("rejected/") == []


@on_files
@pytest.mark.parametrize("send", WAYS)
@pytest.mark.parametrize("overwrite", [NEVER, IF_CHANGED, ALWAYS])
def test_another_file_under_the_same_identifiers_replaces_it_if_the_setting_lets_it(
    home: House, send: Send, overwrite: OverwriteInstances
) -> None:
    door = opened(home, overwrite)
    by_request(home, door, IMAGE)
    kept = REFUSED if send in TELLING_NOBODY else "AlreadyStored"
    assert send(home, door, OTHER) == (kept if overwrite is NEVER else "Success")
    copy = dcmread(io.BytesIO(stored(home)))
    assert copy.file_meta.TransferSyntaxUID == RLE
    assert copy.get("PatientSex") == (None if overwrite is NEVER else "F")
    assert home.rejected() == ([OTHER] if (overwrite, send in TELLING_NOBODY) == (NEVER, True) else [])


@on_files
def test_a_file_that_was_stored_before_the_setting_is_known_as_it_was_sent(home: House) -> None:
    by_request(home, opened(home, NEVER, syntax=""), IMAGE)
    assert by_arrival(home, opened(home, NEVER), IMAGE) == "AlreadyStored"
    assert (stored(home), home.keys("rejected/")) == (IMAGE, [])
    assert by_arrival(home, opened(home, IF_CHANGED), IMAGE) == "Success"
    assert stored(home) != IMAGE


def test_what_arrives_in_a_bucket_is_converted_as_well(home: House) -> None:
    door = opened(home, IF_CHANGED)
    assert [by_arrival(home, door, IMAGE) for _ in range(2)] == ["Success", "AlreadyStored"]
    assert dcmread(io.BytesIO(stored(home))).file_meta.TransferSyntaxUID == RLE


# ------------------------------------------------------------- rules that convert


@pytest.mark.parametrize(("syntax", "is_lossy"), [(BASELINE, True), (DEFLATED, False)])
@pytest.mark.parametrize("ingest", ["", RLE])
@pytest.mark.parametrize("target", ["store", "research"])
def test_a_rule_converts_what_it_has_changed(
    home: House,
    syntax: str,
    is_lossy: bool,  # noqa: FBT001
    ingest: str,
    target: str,
) -> None:
    rule = {"Anonymize": {"Transcode": syntax, "LossyQuality": 80}, "To": target}
    door = home.door({"": rule}, **({"IngestTranscoding": ingest} if ingest else {}))
    for _ in range(2):  # the same again is the same product
        assert isinstance(take(door, home.place.bring("a", IMAGE)), Produced)
    place = home.targets["research"]
    [key] = place.store.keys(place.prefix) if target == "research" else home.keys("instances/")
    product = dcmread(
        io.BytesIO((place.store if target == "research" else home.backend.objects).get(key) or b"")
    )
    assert product.file_meta.TransferSyntaxUID == syntax
    assert product.file_meta.MediaStorageSOPInstanceUID == product.SOPInstanceUID != "1.2.3.1.1.1"
    assert product.get("LossyImageCompression") == ("01" if is_lossy else None)
    assert (product.PatientID == "PAT", home.keys("rejected/")) == (False, [])
    if target == "store":
        stored(home)


@on_files
@pytest.mark.parametrize("ingest", ["", RLE])
def test_a_product_that_cannot_be_converted_keeps_its_transfer_syntax_and_the_log_counts_it(
    home: House, ingest: str, caplog: pytest.LogCaptureFixture
) -> None:
    door = home.door(
        {"": {"Anonymize": {"Transcode": BASELINE}}}, **({"IngestTranscoding": ingest} if ingest else {})
    )
    take(door, home.place.bring("a", make_dicom(**{**GREY, "BitsAllocated": 12})))
    product = dcmread(io.BytesIO(stored(home)))
    assert product.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
    assert product.PatientID != "PAT"
    assert [one.message for one in caplog.records if "transfer syntax" in one.message] == [
        "IngestTranscoding, or a rule on arrival: one upload keeps its transfer syntax"
    ]


@on_files
def test_a_target_gets_products_in_their_own_transfer_syntax_unless_the_rule_says_another(
    home: House,
) -> None:
    door = home.door({"": {"Anonymize": {}, "To": "research"}}, IngestTranscoding=RLE)
    take(door, home.place.bring("a", IMAGE))
    place = home.targets["research"]
    [key] = place.store.keys(place.prefix)
    product = dcmread(io.BytesIO(place.store.get(key) or b""))
    assert product.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
