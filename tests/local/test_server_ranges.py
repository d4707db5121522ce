"""Parts of a file (RFC 9110 14), and files of half a gigabyte."""

from __future__ import annotations

import hashlib
import http.client
from pathlib import Path
from typing import Any

import pytest

from dicomorph.dicom.standard.transfer_syntaxes import JPEG_BASELINE
from local.front.errors import UnsatisfiableRangeError
from local.front.ranges import asked_range
from tests.support.api_client import make_dicom
from tests.support.images import GREY

SIZES = {"within the event": 10_000, "from the store": 3_000_000}


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=0-", (0, 100)),
        ("bytes=10-19", (10, 20)),
        ("Bytes = 10 - 19 ", (10, 20)),
        ("bytes=99-99", (99, 100)),
        ("bytes=90-1000", (90, 100)),
        ("bytes=-10", (90, 100)),
        ("bytes=-1000", (0, 100)),
        ("bytes=-", None),
        ("bytes=20-10", None),
        ("bytes=0-1,5-6", None),
        ("bytes=a-b", None),
        ("bytes=--1", None),
        ("bytes=1", None),
        ("seconds=1-2", None),
        ("bytes=" + "9" * 100 + "-", None),
        ("", None),
    ],
)
def test_a_range_is_read(header: str, expected: tuple[int, int] | None) -> None:
    assert asked_range(header, 100) == expected


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=999999999999-", "bytes=-0"])
def test_a_range_without_a_byte_is_refused(header: str) -> None:
    with pytest.raises(UnsatisfiableRangeError):
        asked_range(header, 100)


@pytest.fixture(params=SIZES)
def path(request: pytest.FixtureRequest, server: Any) -> tuple[str, bytes]:
    data = make_dicom(EncapsulatedDocument=bytes(range(256)) * (SIZES[request.param] // 256))
    return f"{server.post('/instances', data).json['Path']}/file", data


@pytest.mark.parametrize("start", [0, 1, 4999])
@pytest.mark.parametrize("length", [1, 100, None])
def test_a_part_of_a_file_is_sent(
    server: Any, path: tuple[str, bytes], start: int, length: int | None
) -> None:
    file, data = path
    stop = len(data) if length is None else start + length
    answer = server.call("GET", file, None, {"Range": f"bytes={start}-{'' if length is None else stop - 1}"})
    assert (answer.status, answer.body) == (206, data[start:stop])
    assert answer.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{len(data)}"
    assert answer.headers["Content-Type"] == "application/dicom"


@pytest.mark.parametrize(
    "headers",
    [{}, {"Range": "bytes=0-1,4-5"}, {"Range": "nonsense"}, {"Range": "bytes=0-1", "If-Range": '"x"'}],
)
def test_the_whole_file_is_sent_otherwise(
    server: Any, path: tuple[str, bytes], headers: dict[str, str]
) -> None:
    file, data = path
    answer = server.call("GET", file, None, headers)
    assert (answer.status, answer.body, answer.headers["Accept-Ranges"]) == (200, data, "bytes")
    head = server.call("HEAD", file, None, headers)
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(data)))


def test_a_part_behind_the_end_is_refused(server: Any, path: tuple[str, bytes]) -> None:
    file, data = path
    answer = server.call("GET", file, None, {"Range": f"bytes={len(data)}-"})
    assert (answer.status, answer.headers["Content-Range"]) == (416, f"bytes */{len(data)}")
    assert (answer.json["HttpStatus"], answer.json["OrthancStatus"], answer.json["Uri"]) == (416, 3, file)


def test_other_routes_know_no_parts(server: Any) -> None:
    answer = server.call("GET", "/system", None, {"Range": "bytes=0-1"})
    assert (answer.status, "Accept-Ranges" in answer.headers) == (200, False)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("in_chunks", [False, True])
def test_half_a_gigabyte_goes_both_ways_in_little_memory_and_lies_on_the_disk_once(
    make_server: Any, tmp_path: Path, *, in_chunks: bool
) -> None:
    server = make_server()
    file = tmp_path / "large.dcm"
    size = 506_000_000
    with file.open("wb") as stream:
        stream.write(make_dicom() + b"\xe0\x7f\x10\x00OW\0\0" + size.to_bytes(4, "little"))
        stream.truncate(stream.tell() + size)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120, blocksize=1 << 20)
    with file.open("rb") as stream:
        connection.request(
            "POST", "/instances", stream, encode_chunked=in_chunks, headers=_framing(in_chunks)
        )
        answer = connection.getresponse()
        assert (answer.status, answer.read()[:1]) == (200, b"{")
    [stored] = (server.data / "objects" / "instances").rglob("*.dcm")
    assert (stored.stat().st_nlink, list((server.data / "spool").iterdir())) == (1, [])
    [instance] = server.get("/instances").json
    connection.request("GET", f"/instances/{instance}/file")
    answer, digest = connection.getresponse(), hashlib.sha256()
    while piece := answer.read(1 << 20):
        digest.update(piece)
    connection.close()
    with file.open("rb") as stream:
        assert hashlib.file_digest(stream, "sha256").digest() == digest.digest()
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    anonymous = int(status.partition("RssAnon:")[2].split()[0])
    assert anonymous < 200_000  # KiB; the same with a file of a kilobyte


def _framing(in_chunks: bool) -> dict[str, str]:  # noqa: FBT001 - as it is asked for
    return {"Transfer-Encoding": "chunked"} if in_chunks else {}


def test_parts_of_a_lossy_copy_fit_together(server: Any) -> None:
    path = f"{server.post('/instances', make_dicom(**GREY)).json['Path']}/file?transcode={JPEG_BASELINE}"
    whole = server.get(path).body
    first = server.call("GET", path, headers={"Range": "bytes=0-499"})
    rest = server.call("GET", path, headers={"Range": "bytes=500-"})
    assert (first.status, rest.status) == (206, 206)
    assert first.body + rest.body == whole
