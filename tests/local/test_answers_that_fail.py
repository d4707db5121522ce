"""Answers that fail outside their handler: the log does not tell what was asked for."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dicomorph.http.observability import get_logger
from local.application import Application
from local.front.outgoing import Outgoing
from tests.local.front import ROUTER, Acting, ask, exchange, running
from tests.support.api_client import make_dicom
from tests.workflows.hearing import listening

REFUSALS = [
    *(errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM),
    *(errno.ENOSPC, errno.ESTALE, errno.EINTR, errno.ENXIO, errno.EBUSY),
]
INSTANCE = "66a662ce-7430e543-bad44d47-0dc5a943-ec7a538d"
REQUEST = f"GET /instances/{INSTANCE}/file HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()


def linking(path: Path, error: Exception | None = None) -> Acting:
    """Return a function that answers with a link to a file, or fails."""

    def act(_: object, __: object) -> dict[str, Any]:
        if error is not None:
            raise error
        return {"statusCode": 303, "headers": {"Location": path.as_uri()}, "body": ""}

    return Acting(act)


def told(functions: Acting, objects: Path) -> tuple[int, dict[str, Any], list[str]]:
    """Ask for a file; return the status, the error body, and what was logged."""
    application = Application(ROUTER, functions, objects=objects)
    with listening() as heard:
        sent = ask(application, REQUEST, objects)
    return sent.outgoing.status, json.loads(sent.body), [*heard.lines, heard.written.getvalue()]


def check(functions: Acting, objects: Path, status: int, code: int) -> None:
    found, body, logged = told(functions, objects)
    assert (found, body["OrthancStatus"], body["HttpStatus"]) == (status, code, status)
    assert INSTANCE not in body.get("Details", "")
    assert [line for line in logged if INSTANCE in line] == []
    assert any("causes" in line for line in logged), "the failure is told, by types and places"


def _absent(_: Path) -> None:
    """Leave nothing there."""


def _loop(path: Path) -> None:
    path.symlink_to(path)


FAULTS: dict[str, tuple[Callable[[Path], object], int, int]] = {
    "it is gone, each time": (_absent, 503, 36),
    "a folder": (lambda path: path.mkdir(), 500, -1),
    "a link to itself": (_loop, 500, -1),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_file_that_cannot_be_opened_is_no_traceback(tmp_path: Path, name: str) -> None:
    fault, status, code = FAULTS[name]
    path = tmp_path / "instances" / INSTANCE[:2] / INSTANCE / "7f.dcm"
    path.parent.mkdir(parents=True)
    fault(path)
    check(linking(path), tmp_path, status, code)


@pytest.mark.parametrize("number", REFUSALS, ids=errno.errorcode.__getitem__)
def test_whatever_the_system_says_names_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        status, body, logged = told(linking(tmp_path / INSTANCE), tmp_path)
    assert (status // 100, body["HttpStatus"]) == (5, status)
    assert [line for line in [*logged, str(body)] if "Errno" in line] == []
    assert [line for line in logged if INSTANCE in line] == []


def test_nor_does_what_fails_before_it(tmp_path: Path) -> None:
    error = ValueError(f"/instances/{INSTANCE}/file")
    check(linking(tmp_path, error), tmp_path, 500, -1)


@pytest.mark.parametrize("method", ["begin", "send"])
def test_what_fails_later_is_told_without_what_was_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], method: str
) -> None:
    with capfd.disabled():
        get_logger()  # which writes, for all tests, to what is the terminal when it is first asked for

    def fail(*_: object, **__: object) -> None:
        raise ValueError(f"/instances/{INSTANCE}/file")

    with monkeypatch.context() as patch, listening() as heard, running(linking(tmp_path), tmp_path) as port:
        patch.setattr(Outgoing, method, fail)
        assert exchange(port, REQUEST) == b""
    told = [*heard.lines, heard.written.getvalue()]
    assert any("ValueError at " in line for line in told)
    assert [line for line in [*told, *capfd.readouterr()] if INSTANCE in line] == []


def test_a_server_that_cannot_open_a_file_answers_as_orthanc_and_logs_no_id(
    make_server: Callable[..., Any],
) -> None:
    server = make_server()
    stored = server.post("/instances", make_dicom(EncapsulatedDocument=bytes(200_000))).json
    [file] = (server.data / "objects" / "instances").rglob("*.dcm")
    file.unlink()
    file.mkdir()
    answer = server.get(f"/instances/{stored['ID']}/file")
    assert (answer.status, answer.json["OrthancStatus"]) == (500, 20)  # no file of its size
    server.stop()
    log = server.log.read_text()
    assert ("CorruptedFileError" in log, stored["ID"] in log, "Traceback" in log) == (True, False, False)
