"""The scripts of docs/altering change an instance in place, and lose nothing when a call fails."""

from __future__ import annotations

import enum
import io
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pydicom
import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "docs" / "altering"
OVERWRITE, DELETE_THEN_POST = "overwrite.sh", "delete_then_post.sh"
IDENTIFIERS = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
UPLOAD = "POST instances1"
WEIGHT = '{"PatientWeight": "70"}'


@pytest.fixture
def server_that(make_server: Callable[..., Any], server: Any, tmp_path: Path) -> Callable[[object], Any]:
    """Return a server with a setting of OverwriteInstances, of its own unless that is the default."""

    def start(overwrite: object) -> Any:
        if overwrite is False:
            return server
        settings = tmp_path / "settings.json"
        settings.write_text(json.dumps({"OverwriteInstances": overwrite}))
        return make_server("--settings", str(settings))

    return start


def run(script: str, port: int, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(SCRIPTS / script), f"http://127.0.0.1:{port}/", *arguments]
    environment = {**os.environ, "PAUSE": "0", "HOME": str(folder)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def stored(server: Any, instance: str) -> pydicom.Dataset:
    return pydicom.dcmread(io.BytesIO(server.get(f"/instances/{instance}/file").body))


def copies(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.glob("altering.*/*.dcm")}


class Fault(enum.Enum):
    """What happens to a call on its way."""

    NONE = enum.auto()
    REFUSED = enum.auto()  # it never arrives
    UNANSWERED = enum.auto()  # it is carried out, and its answer gets lost


class Between(BaseHTTPRequestHandler):
    """Passes requests on to a server, except for faults."""

    port: int
    calls: list[str]
    fault: Callable[[list[str]], Fault]

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.calls.append(f"{self.command} {self.path.split('/')[1]}{self.path.count('/')}")
        fault = type(self).fault(self.calls)
        status, content = 503, b"{}"
        if fault is not Fault.REFUSED:
            connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
            connection.request(self.command, self.path, body)
            answer = connection.getresponse()
            status, content = answer.status, answer.read()
            connection.close()
        self.send_response(503 if fault is Fault.UNANSWERED else status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = _pass_on  # noqa: N815 - the names that http.server looks for

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def between(port: int, fault: Callable[[list[str]], Fault]) -> Iterator[int]:
    """Yield the port of something in front of a server, whose faults depend on the calls so far."""
    handler = type("Handler", (Between,), {"port": port, "calls": [], "fault": staticmethod(fault)})
    front = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = Thread(target=front.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield front.server_port
    finally:
        front.shutdown()
        thread.join()
        front.server_close()


def upload_behind_delete(calls: list[str]) -> int:
    """Return 1 for the first upload behind the DELETE, and so on; 0 for other calls."""
    deleted = next((at for at, call in enumerate(calls) if call.startswith("DELETE")), len(calls))
    return calls[deleted:].count(UPLOAD) if calls[-1] == UPLOAD else 0


@pytest.mark.parametrize(
    ("script", "overwrite"),
    [(OVERWRITE, True), (OVERWRITE, "IfChanged"), (DELETE_THEN_POST, False), (DELETE_THEN_POST, True)],
)
def test_a_script_alters_an_instance_in_place(
    server_that: Callable[[object], Any], study: list[Path], tmp_path: Path, script: str, overwrite: object
) -> None:
    server = server_that(overwrite)
    instance, *_ = [server.upload(file)["ID"] for file in study]
    before = stored(server, instance)
    replace = json.dumps({"PatientWeight": "70", **dict.fromkeys(IDENTIFIERS, "1.2.3")})
    for _ in range(2):  # a second time changes nothing, and says so as the first
        done = run(script, server.port, tmp_path, instance, replace, '["InstitutionName"]')
        assert (done.returncode, done.stdout) == (0, f"{instance} is altered.\n"), done.stderr
        after = stored(server, instance)
        assert after.PatientWeight == 70
        assert "InstitutionName" not in after
        assert [after[name] for name in IDENTIFIERS] == [before[name] for name in IDENTIFIERS]
        assert after.PixelData == before.PixelData
    assert server.counts() == (1, 1, 2, 6)
    assert not list(tmp_path.glob("altering.*")), "no copy outlives a success"


def test_overwriting_says_so_where_the_server_does_not(
    server: Any, study: list[Path], tmp_path: Path
) -> None:
    instance = server.upload(study[0])["ID"]
    done = run(OVERWRITE, server.port, tmp_path, instance, WEIGHT)
    assert done.returncode == 1
    assert "delete_then_post.sh" in done.stderr
    assert server.get(f"/instances/{instance}/file").body == study[0].read_bytes()


@pytest.mark.parametrize("script", [OVERWRITE, DELETE_THEN_POST])
@pytest.mark.parametrize("replace", ['{"Rows": "x"}', '{"Nope": "x"}', "{", '{"PatientWeight": 70}'])
def test_a_bad_request_changes_nothing(
    server: Any, study: list[Path], tmp_path: Path, script: str, replace: str
) -> None:
    instance = server.upload(study[0])["ID"]
    done = run(script, server.port, tmp_path, instance, replace)
    assert done.returncode == 1
    assert "Nothing was changed" in done.stderr
    assert server.get(f"/instances/{instance}/file").body == study[0].read_bytes()
    assert not list(tmp_path.glob("altering.*"))


@pytest.mark.parametrize("script", [OVERWRITE, DELETE_THEN_POST])
def test_an_unknown_instance_or_server_is_an_error(server: Any, tmp_path: Path, script: str) -> None:
    assert run(script, server.port, tmp_path, "nope", WEIGHT).returncode == 1
    assert run(script, 9, tmp_path, "nope", WEIGHT).returncode == 1
    assert run(script, server.port, tmp_path, "nope").returncode == 2


@pytest.mark.parametrize(
    "fault",
    [
        lambda calls: Fault.REFUSED if 0 < upload_behind_delete(calls) <= 4 else Fault.NONE,
        lambda calls: Fault.UNANSWERED if upload_behind_delete(calls) == 1 else Fault.NONE,
        lambda calls: Fault.UNANSWERED if calls[-1].startswith("DELETE") else Fault.NONE,
    ],
    ids=["uploads refused", "upload unanswered", "deletion unanswered"],
)
def test_calls_that_fail_for_a_while_do_not_matter(
    server: Any, study: list[Path], tmp_path: Path, fault: Callable[[list[str]], Fault]
) -> None:
    instance = server.upload(study[0])["ID"]
    with between(server.port, fault) as port:
        done = run(DELETE_THEN_POST, port, tmp_path, instance, WEIGHT)
    assert done.returncode == 0, done.stderr
    assert stored(server, instance).PatientWeight == 70


@pytest.mark.parametrize(
    "fault",
    [
        lambda calls: Fault.REFUSED if 0 < upload_behind_delete(calls) <= 5 else Fault.NONE,
        lambda calls: Fault.REFUSED if calls[-1].startswith("DELETE") else Fault.NONE,
    ],
    ids=["the altered file is refused", "the deletion is refused"],
)
def test_the_original_comes_back_where_the_altered_file_is_not_taken(
    server: Any, study: list[Path], tmp_path: Path, fault: Callable[[list[str]], Fault]
) -> None:
    instance = server.upload(study[0])["ID"]
    with between(server.port, fault) as port:
        done = run(DELETE_THEN_POST, port, tmp_path, instance, WEIGHT)
    assert done.returncode == 1
    assert "has the original again" in done.stderr
    assert server.get(f"/instances/{instance}/file").body == study[0].read_bytes()


def test_both_files_are_at_hand_when_the_server_takes_neither(
    server: Any, study: list[Path], tmp_path: Path
) -> None:
    instance = server.upload(study[0])["ID"]
    with between(
        server.port, lambda calls: Fault.REFUSED if upload_behind_delete(calls) else Fault.NONE
    ) as port:
        done = run(DELETE_THEN_POST, port, tmp_path, instance, WEIGHT)
    assert done.returncode == 1
    assert "HAS NEITHER" in done.stderr
    assert server.get("/instances").json == []
    kept = copies(tmp_path)
    assert kept["original.dcm"] == study[0].read_bytes()
    assert server.post("/instances", kept["altered.dcm"]).json["ID"] == instance
    assert stored(server, instance).PatientWeight == 70


def test_a_failed_upload_leaves_what_is_to_be_overwritten(
    server_that: Callable[[object], Any], study: list[Path], tmp_path: Path
) -> None:
    server = server_that("IfChanged")
    instance = server.upload(study[0])["ID"]
    with between(server.port, lambda calls: Fault.REFUSED if calls[-1] == UPLOAD else Fault.NONE) as port:
        done = run(OVERWRITE, port, tmp_path, instance, WEIGHT)
    assert done.returncode == 1
    assert server.get(f"/instances/{instance}/file").body == study[0].read_bytes()
    assert copies(tmp_path)["original.dcm"] == study[0].read_bytes()


def test_the_page_names_both_scripts_and_every_script_can_be_run() -> None:
    page = (ROOT / "docs" / "altering.md").read_text()
    for script in (OVERWRITE, DELETE_THEN_POST):
        assert f"altering/{script}" in page
        assert os.access(SCRIPTS / script, os.X_OK)
