"""Files sent to an address that the server has offered."""

from __future__ import annotations

import hashlib
import http.client
import os
import signal
import socket
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from dicomorph import bootstrap
from dicomorph.embedded.backend import embedded_backend
from dicomorph.model.settings import Settings
from dicomorph.services.backend import Backend
from dicomorph.services.uploads import begin as upload_begin
from local.functions import Context
from local.receiving import handle
from tests.support.api_client import Clock, make_dicom
from tests.support.idle_runner import IdleRunner

MIB = 1 << 20


def image(size: int) -> bytes:
    """Return an image of about a size in bytes."""
    return make_dicom(PixelData=bytes(os.urandom(1) * (size // 2 * 2)), BitsAllocated=8)


def begin(server: Any, data: bytes, **announced: Any) -> dict[str, Any]:
    answer = server.post("/uploads", {"Size": len(data), **announced})
    assert answer.status == 200, answer
    return dict(answer.json)


def put(server: Any, offer: dict[str, Any], data: bytes, **headers: str) -> Any:
    """Send a file to where it was offered a place; `http.client` says how long it is."""
    return server.call("PUT", urlsplit(offer["Url"]).path, data, headers)


def send_some(server: Any, connection: socket.socket, offer: dict[str, Any], data: bytes) -> None:
    """Send the head of a request and the first 2 MiB of its body."""
    request = f"PUT {urlsplit(offer['Url']).path} HTTP/1.1\r\nHost: localhost\r\n"
    connection.sendall(f"{request}Content-Length: {len(data)}\r\n\r\n".encode() + data[: 2 * MIB])
    server.wait_for(lambda: spooled(server) != [])


def shown(server: Any, offer: dict[str, Any]) -> dict[str, Any]:
    return dict(server.get(offer["Path"]).json)


def spooled(server: Any) -> list[Path]:
    return list((server.data / "spool").iterdir())


@pytest.mark.parametrize("size", [100, 200 << 10, 3 * MIB])  # in the event, beside it, in a file
@pytest.mark.parametrize("digest", ["", "Crc32", "Sha256"])
def test_a_file_is_stored_as_post_instances_stores_it(server: Any, size: int, digest: str) -> None:
    data = image(size)
    checksums = {"Crc32": f"{zlib.crc32(data):08x}", "Sha256": hashlib.sha256(data).hexdigest().upper()}
    offer = begin(server, data, **({"Checksum": {digest: checksums[digest]}} if digest else {}))
    answer = put(server, offer, data)
    assert (answer.status, answer.body) == (200, b"")
    found = shown(server, offer)
    assert found["State"] == "Success"
    assert found["Content"] == {**server.post("/instances", data).json, "Status": "Success"}
    assert server.get(f"{found['Content']['Path']}/file").body == data
    assert put(server, offer, data).status == 200  # who did not hear of it sends it again
    assert shown(server, offer) == found
    assert spooled(server) == []


def test_the_checksums_of_parts_hold_for_a_file_that_comes_as_a_whole(server: Any) -> None:
    data = image(11 * MIB)
    ends = [data[at : at + 5 * MIB] for at in range(0, len(data), 5 * MIB)]
    right = [f"{zlib.crc32(part):08x}" for part in ends]
    for checksums, status in (([*right[:-1], "00000000"], 400), (right, 200)):
        offer = begin(server, data, PartSize=5 * MIB, Checksum={"Crc32": checksums})
        assert put(server, offer, data).status == status


@pytest.mark.parametrize("data", [b"\0" * 200, b"PK\x03\x04" + bytes(200), make_dicom()[:-5]])
def test_what_is_no_dicom_is_received_and_its_upload_fails(server: Any, data: bytes) -> None:
    offer = begin(server, data)
    assert put(server, offer, data).status == 200
    found = shown(server, offer)
    assert (found["State"], found["ErrorCode"]) == ("Failure", 15)
    assert server.counts() == (0, 0, 0, 0)


@pytest.mark.parametrize("size", [300, 2 * MIB])
def test_another_file_than_was_announced_is_refused_and_still_waited_for(server: Any, size: int) -> None:
    data = image(size)
    offer = begin(server, data, Checksum={"Crc32": f"{zlib.crc32(data):08x}"})
    for other, status in ((data[:-1], 400), (data[:-1] + b"x", 400), (data + b"x", 413), (b"", 400)):
        answer = put(server, offer, other)
        assert (answer.status, answer.json["HttpStatus"]) == (status, status)
        assert shown(server, offer)["State"] == "Pending"
    assert spooled(server) == []
    assert put(server, offer, data).status == 200
    assert shown(server, offer)["State"] == "Success"


def test_nobody_sends_to_an_address_that_was_not_offered(server: Any) -> None:
    data = make_dicom()
    offer = begin(server, data)
    path = urlsplit(offer["Url"]).path
    ticket = path.rpartition("/")[2]
    others = [f"{path[:-1]}{'0' if path[-1] != '0' else '1'}", f"/uploads/{'0' * 32}/{ticket}", f"{path}0"]
    for other in others:
        assert server.call("PUT", other, data).status == 404
    assert server.call("GET", path).status == 404
    assert server.call("PUT", offer["Path"], data).status == 405
    assert ticket not in str(shown(server, offer))
    assert server.call("DELETE", offer["Path"]).status == 200
    assert put(server, offer, data).status == 404
    assert server.counts() == (0, 0, 0, 0)


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("Origin", "https://elsewhere.example.org", 403),
        ("Sec-Fetch-Site", "cross-site", 403),
        ("Host", "rebound.example.org", 421),
    ],
)
def test_pages_of_other_sites_send_nothing(server: Any, header: str, value: str, status: int) -> None:
    data = make_dicom()
    offer = begin(server, data)
    assert put(server, offer, data, **{header: value}).status == status
    assert shown(server, offer)["State"] == "Pending"


def test_a_file_is_taken_as_it_was_sent(server: Any) -> None:
    """As S3 does: a size and a checksum are those of the bytes on the wire."""
    data = make_dicom()
    offer = begin(server, data)
    assert put(server, offer, data, **{"Content-Encoding": "gzip"}).status == 200
    assert shown(server, offer)["State"] == "Success"


def test_a_body_in_chunks_is_refused_as_soon_as_it_is_too_large(server: Any) -> None:
    offer = begin(server, bytes(MIB))
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.putrequest("PUT", urlsplit(offer["Url"]).path)
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    for _ in range(5):  # and more would come
        connection.send(b"100000\r\n" + bytes(MIB) + b"\r\n")
    assert connection.getresponse().status == 413
    connection.close()
    server.wait_for(lambda: spooled(server) == [])


def test_a_body_that_breaks_off_leaves_nothing(server: Any) -> None:
    data = image(3 * MIB)
    offer = begin(server, data)
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        send_some(server, connection, offer, data)
    server.wait_for(lambda: spooled(server) == [])
    assert shown(server, offer)["State"] == "Pending"
    assert put(server, offer, data).status == 200


@pytest.mark.slow
def test_an_upload_survives_the_server(make_server: Callable[..., Any]) -> None:
    server = make_server()
    data = image(3 * MIB)
    offer, other = begin(server, data), begin(server, data)
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        send_some(server, connection, offer, data)
        server.stop(signal.SIGKILL)
    server.start()
    assert spooled(server) == []
    for one in (offer, other):
        assert shown(server, one)["State"] == "Pending"
        assert put(server, one, data).status == 200
        assert shown(server, one)["State"] == "Success"
    assert server.counts() == (1, 1, 1, 1)


@pytest.fixture
def backend(tmp_path: Path, clock: Clock) -> Iterator[Backend]:
    """The backend of a server without a front."""
    made = replace(
        embedded_backend(tmp_path, Settings(sync_storage_area=False), epoch=None, runner=IdleRunner()),
        now=clock,
    )
    bootstrap.use_backend(made)
    yield made
    bootstrap.use_backend(None)
    made.objects.close()  # type: ignore[attr-defined]


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_an_address_is_void_when_it_has_expired(backend: Backend, clock: Clock) -> None:
    data = make_dicom()
    offer = upload_begin.begin(backend, {"Size": len(data)}, address="")
    event = {"path": offer["Url"], "httpMethod": "PUT", "bodyBytes": data, "requestContext": {}}
    for seconds, status in ((3599, 200), (2, 404)):
        clock.advance(seconds)
        assert handle(dict(event), Context())["statusCode"] == status
