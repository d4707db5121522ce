"""Answers that fail outside their handler: the log does not tell what was asked for."""

from __future__ import annotations

import errno
import io
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from wsgiref.util import FileWrapper

import pytest

from local.application import Application
from local.discretion import keep_discretion
from local.functions import Functions
from local.routing import Router
from local.template import read_routes, read_template
from tests.support.api_client import make_dicom
from tests.workflows.hearing import listening

ROUTER = Router(list(read_routes(read_template())))
REFUSALS = [
    *(errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM),
    *(errno.ENOSPC, errno.ESTALE, errno.EINTR, errno.ENXIO, errno.EBUSY),
]
INSTANCE = "66a662ce-7430e543-bad44d47-0dc5a943-ec7a538d"


class Linking(Functions):
    """A function that answers with a link to a file, or fails."""

    def __init__(self, path: Path, error: Exception | None = None) -> None:
        self._path = path
        self._error = error

    def call(self, folder: str, event: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG002
        if self._error is not None:
            raise self._error
        return {"statusCode": 303, "headers": {"Location": self._path.as_uri()}, "body": ""}


def ask(functions: Functions, objects: Path) -> tuple[str, dict[str, Any], list[str]]:
    """Ask for a file; return the status, the error body, and what was logged."""
    application = Application(ROUTER, functions, objects=objects, spool=objects)
    sent: list[str] = []
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": f"/instances/{INSTANCE}/file",
        "QUERY_STRING": "",
        "REMOTE_ADDR": "192.0.2.1",
        "wsgi.input": io.BytesIO(),
        "wsgi.file_wrapper": FileWrapper,
    }
    with listening() as heard:
        body = b"".join(application(environ, lambda status, _: sent.append(status)))
    return sent[-1], json.loads(body), [*heard.lines, heard.written.getvalue()]


def check(functions: Functions, objects: Path, status: str, code: int) -> None:
    found, body, logged = ask(functions, objects)
    assert (found, body["OrthancStatus"], body["HttpStatus"]) == (status, code, int(status[:3]))
    assert INSTANCE not in body.get("Details", "")
    assert [line for line in logged if INSTANCE in line] == []
    assert any("causes" in line for line in logged), "the failure is told, by types and places"


def _absent(_: Path) -> None:
    """Leave nothing there."""


def _loop(path: Path) -> None:
    path.symlink_to(path)


FAULTS: dict[str, tuple[Callable[[Path], object], str, int]] = {
    "it is gone, each time": (_absent, "503 Service Unavailable", 36),
    "a folder": (lambda path: path.mkdir(), "500 Internal Server Error", -1),
    "a link to itself": (_loop, "500 Internal Server Error", -1),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_file_that_cannot_be_opened_is_no_traceback(tmp_path: Path, name: str) -> None:
    fault, status, code = FAULTS[name]
    path = tmp_path / "instances" / INSTANCE[:2] / INSTANCE / "7f.dcm"
    path.parent.mkdir(parents=True)
    fault(path)
    check(Linking(path), tmp_path, status, code)


@pytest.mark.parametrize("number", REFUSALS, ids=errno.errorcode.__getitem__)
def test_whatever_the_system_says_names_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refuse(path: Path, *_: object) -> None:
        raise OSError(number, os.strerror(number), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refuse)
        status, body, logged = ask(Linking(tmp_path / INSTANCE), tmp_path)
    assert (status[:1], str(body["HttpStatus"])) == ("5", status[:3])
    assert [line for line in [*logged, str(body)] if "Errno" in line] == []
    assert [line for line in logged if INSTANCE in line] == []


def test_nor_does_what_fails_before_it(tmp_path: Path) -> None:
    error = ValueError(f"/instances/{INSTANCE}/file")
    check(Linking(tmp_path, error), tmp_path, "500 Internal Server Error", -1)


def test_what_fails_later_is_logged_without_what_was_asked_for() -> None:
    keep_discretion()
    keep_discretion()
    logger = logging.getLogger("waitress")  # whose words these are
    with listening() as heard:
        try:
            Path(f"/nowhere/{INSTANCE}").read_bytes()
        except OSError:
            logger.exception(f"Exception while serving /instances/{INSTANCE}/file")  # noqa: G004
        logger.info(f"Client disconnected while serving /instances/{INSTANCE}/file")  # noqa: G004
        logger.warning("%d thread(s) still running", 2)
    assert [line for line in heard.lines if INSTANCE in line] == []
    told = [line.split(" {")[0] for line in heard.lines]
    assert told[0].startswith("An answer failed: FileNotFoundError at ")
    assert told[1:] == ["A client disconnected while it was served", "2 thread(s) still running"]


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
