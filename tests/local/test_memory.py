"""How much memory the server and its workers take of what is made to take much: the most that there was."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import re
import struct
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from coverage import Coverage

from tests.dicom_factory import CT_IMAGE_STORAGE, DEFLATED, EXPLICIT, Element, encode, part10, uid
from tests.local.conftest import Answer

MIB = 1 << 20
MOST = 400  # MiB, of all processes together
SLOW = (pytest.mark.slow, pytest.mark.timeout(900))


def header(number: int, *more: Element) -> bytes:
    return encode(
        [
            Element(0x00080016, "UI", CT_IMAGE_STORAGE),
            Element(0x00080018, "UI", uid(1, 1, 1, number)),
            Element(0x00100020, "LO", "P1"),
            Element(0x0020000D, "UI", uid(1, 1)),
            Element(0x0020000E, "UI", uid(1, 1, 1)),
            *more,
        ]
    )


def pixels(megabytes: int) -> bytes:
    """Return the header of so many megabytes of pixel data."""
    return b"\xe0\x7f\x10\0OB\0\0" + struct.pack("<I", megabytes * MIB)


def deflated(number: int, megabytes: int) -> bytes:
    """Return a file of a thousandth of the size that it inflates to."""
    compressor = zlib.compressobj(wbits=-15)
    pieces = [compressor.compress(header(number) + pixels(megabytes))]
    pieces += [compressor.compress(bytes(MIB)) for _ in range(megabytes)]
    body = b"".join((*pieces, compressor.flush()))
    head = part10(b"", DEFLATED, instance=uid(1, 1, 1, number))
    head = head[: head.index(b"private!") + len(b"private!")]
    return head + body + bytes(len(body) % 2)


def zipped(number: int, megabytes: int) -> bytes:
    plain = part10(header(number) + pixels(megabytes), EXPLICIT, instance=uid(1, 1, 1, number))
    return gzip.compress(plain + bytes(megabytes * MIB), 6)


def of_items(elements: int) -> bytes:
    """Return a file with a sequence of so many elements, items included."""
    item = [Element(0x00081150, "UI", CT_IMAGE_STORAGE), Element(0x00081155, "UI", uid(1, 2, 3, 4))]
    return part10(header(1, Element(0x52009230, "SQ", [item] * (elements // 3))), EXPLICIT)


def peak(server: Any) -> int:
    """Return the most memory that the server and its workers have had, in MiB."""
    total = 0
    for process in (server.process.pid, *server.workers()):
        status = Path(f"/proc/{process}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+)", status)
        assert found is not None
        total += int(found[1]) >> 10
    return total


def ask(
    server: Any, method: str, path: str, body: bytes | str | BinaryIO | None = None, **headers: str
) -> Answer:
    """Ask a server that may be busy for long."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    try:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, named)
        response = connection.getresponse()
        return Answer(response.status, dict(response.headers.items()), response.read())
    finally:
        connection.close()


def measuring() -> int:
    """Return the megabytes that the measuring of coverage itself takes in the processes of a server."""
    return 20 if Coverage.current() is not None else 0


def at_once(call: Callable[[int], Any], count: int = 8) -> list[Any]:
    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(call, range(1, count + 1)))


@pytest.mark.parametrize(("megabytes", "most"), [(12, 150), pytest.param(480, MOST, marks=SLOW)])
def test_eight_deflated_files_at_once(make_server: Callable[..., Any], megabytes: int, most: int) -> None:
    server = make_server()
    data = deflated(1, megabytes)
    assert len(data) < megabytes * 1200
    answers = at_once(lambda number: ask(server, "POST", "/instances", deflated(number, megabytes)))
    assert [answer.status for answer in answers] == [200] * 8
    instances = [answer.json["ID"] for answer in answers]
    assert {ask(server, "GET", f"/instances/{one}/tags").status for one in instances} == {200}
    edits = at_once(lambda number: _edited(server, f"/instances/{instances[number - 1]}", number))
    assert {answer.status for answer in edits} == {200}
    job = ask(server, "POST", f"/studies/{answers[0].json['ParentStudy']}/anonymize", "{}")
    assert job.json["InstancesCount"] == 8
    assert peak(server) < most + measuring()


@pytest.mark.parametrize(("megabytes", "most"), [(20, 220), pytest.param(500, MOST, marks=SLOW)])
def test_eight_bodies_sent_as_gzip_at_once(
    make_server: Callable[..., Any], megabytes: int, most: int
) -> None:
    server = make_server()
    bodies = [zipped(number, megabytes) for number in range(1, 9)]
    answers = at_once(
        lambda number: ask(server, "POST", "/instances", bodies[number - 1], Content_Encoding="gzip")
    )
    assert [answer.status for answer in answers] == [200] * 8
    assert server.get("/statistics").json["TotalDiskSizeMB"] == 8 * megabytes
    assert peak(server) < most


def _shown(server: Any, path: str, _number: int) -> Answer:
    return ask(server, "GET", path)


def _edited(server: Any, path: str, _number: int) -> Answer:
    return ask(server, "POST", f"{path}/anonymize", "{}")


@pytest.mark.parametrize(("elements", "most"), [(40_000, 230), pytest.param(500_000, MOST, marks=SLOW)])
def test_many_elements(make_server: Callable[..., Any], elements: int, most: int) -> None:
    server = make_server()
    stored = ask(server, "POST", "/instances", of_items(elements)).json
    path = f"/instances/{stored['ID']}"
    for route in ("tags", "tags?short", "simplified-tags")[: 3 if elements > 99_999 else 1]:
        answers = at_once(partial(_shown, server, f"{path}/{route}"), 3 if elements > 99_999 else 8)
        assert {len(answer.body) for answer in answers} == {len(answers[0].body)}
        assert len(json.loads(answers[0].body)) == 6
    edits = at_once(partial(_edited, server, path))
    assert {answer.status for answer in edits} == {200}
    job = ask(server, "POST", f"/studies/{stored['ParentStudy']}/anonymize", "{}")
    assert job.json["InstancesCount"] == 1
    assert peak(server) < most


@pytest.mark.parametrize(("megabytes", "most"), [(100, 150), pytest.param(506, MOST, marks=SLOW)])
def test_a_large_file_and_its_copies(
    tmp_path: Path, make_server: Callable[..., Any], megabytes: int, most: int
) -> None:
    (tmp_path / "settings.json").write_text(json.dumps({"Targets": {"out": str(tmp_path / "out")}}))
    server = make_server("--settings", str(tmp_path / "settings.json"))
    file = tmp_path / "file"
    file.write_bytes(part10(header(1) + pixels(megabytes), EXPLICIT, instance=uid(1, 1, 1, 1)))
    os.truncate(file, file.stat().st_size + megabytes * MIB)
    with file.open("rb") as body:
        size = str(file.stat().st_size)
        stored = ask(server, "POST", "/instances", body, Content_Length=size).json
    for options in ("{}", '{"Target": "out"}'):
        job = ask(server, "POST", f"/studies/{stored['ParentStudy']}/anonymize", options)
        assert job.json["InstancesCount"] == 1
    copies = [*(server.data / "objects").rglob("*.dcm"), *(tmp_path / "out").rglob("*.dcm")]
    assert [path.stat().st_size // MIB for path in copies] == [megabytes] * 3
    assert peak(server) < most
