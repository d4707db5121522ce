"""Starting, stopping, killing and starting again."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.uid import UID

from local.__main__ import main
from local.data_folder import lock_data_folder

ROOT = Path(__file__).resolve().parents[2]
SLICES = 150  # beyond what a job does without a map


def run(*options: str) -> tuple[int, str]:
    """Run a server that is expected to give up; return its status and what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "local", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.returncode, done.stderr


def upload_slices(server: Any, study: list[Path]) -> str:
    dataset = pydicom.dcmread(study[0])
    answer: dict[str, Any] = {}
    for number in range(SLICES):
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(f"1.2.3.{number}")
        with (server.data.parent / "slice.dcm").open("wb") as file:
            dataset.save_as(file, enforce_file_format=True)
        answer = server.upload(server.data.parent / "slice.dcm")
    return str(answer["ParentStudy"])


def check_everything_is_whole(server: Any) -> None:
    """What is listed can be opened, and counts agree with lists at every level."""
    assert server.counts() == tuple(
        len(server.get(f"/{level}").json) for level in ("patients", "studies", "series", "instances")
    )
    for level, children in (("patients", "Studies"), ("studies", "Series"), ("series", "Instances")):
        for resource in server.get(f"/{level}?expand").json:
            assert resource[children]
    for instance in server.get("/instances?expand").json:
        assert len(server.get(f"/instances/{instance['ID']}/file").body) == instance["FileSize"]


def test_a_restart_keeps_everything(make_server: Callable[..., Any], study: list[Path]) -> None:
    server = make_server()
    stored = server.upload(study[0])
    content = server.post(f"/studies/{stored['ParentStudy']}/anonymize", "{}").json
    before = [server.get(path).json for path in ("/statistics", "/instances?expand", "/jobs")]
    assert server.stop() == 0
    assert server.log.read_text() == ""  # nothing to complain about
    server.start()
    assert [server.get(path).json for path in ("/statistics", "/instances?expand", "/jobs")] == before
    assert server.get(f"{stored['Path']}/file").body == study[0].read_bytes()
    again = server.post(f"/studies/{stored['ParentStudy']}/anonymize", "{}").json
    assert again["ID"] != content["ID"]
    names = {p["MainDicomTags"]["PatientName"] for p in server.get("/patients?expand").json}
    assert len(names) == 3  # the counter of names went on
    check_everything_is_whole(server)


def test_a_second_server_on_the_same_folder_is_refused(make_server: Callable[..., Any]) -> None:
    server = make_server()
    status, said = run("--port", "0", "--data", str(server.data))
    assert (status, said) == (2, f"Another server uses the data folder {server.data}\n")
    assert server.get("/system").status == 200


def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status, said = run("--port", port, "--data", str(tmp_path / "data"))
    assert (status, said) == (2, f"Cannot listen on 127.0.0.1:{port}: Address already in use\n")


def test_a_foreign_address_is_said_in_one_line(tmp_path: Path) -> None:
    status, said = run("--host", "192.0.2.1", "--port", "0", "--data", str(tmp_path / "data"))
    assert status == 2
    assert said.startswith("Cannot listen on 192.0.2.1:0: ")
    assert said.count("\n") == 1


def test_an_access_trail_that_cannot_be_written_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"AccessTrail": {"Folder": str(tmp_path / "file")}}))
    status, said = run("--port", "0", "--data", str(tmp_path / "data"), "--settings", str(settings))
    assert (status, said) == (2, "The access trail cannot be written: EEXIST\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '{"StableAges": 1, "Nope": 2}',
            "Unknown settings: Nope, StableAges. Known settings: AccessTrail, AllowLists, AllowedHosts, ",
        ),
        ('{"StableAge": "soon"}', "Setting StableAge: "),
        ('{"AccessTrail": {"Sync": true}}', "Setting AccessTrail: which Folder?"),
        ('{"AccessTrail": {"Folder": "trail"}}', "Setting AccessTrail: Folder must be absolute"),
        ('{"AccessTrail": {"Files": 1}}', "Setting AccessTrail: "),
        ('{"AccessTrail": {"OnFailure": "Wait"}}', "Setting AccessTrail: "),
        ("{", "are not JSON"),
        ("[]", "must be a JSON object"),
        (None, "No such file or directory"),
    ],
)
def test_bad_settings_are_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None, expected: str
) -> None:
    file = tmp_path / "settings.json"
    if text is not None:
        file.write_text(text)
    assert main(["--port", "0", "--data", str(tmp_path / "data"), "--settings", str(file)]) == 2
    said = capsys.readouterr().err
    assert expected in said
    assert said.count("\n") == 1
    assert not (tmp_path / "data").exists()


def test_settings_that_do_nothing_yet_are_named_in_one_line(
    tmp_path: Path, make_server: Callable[..., Any]
) -> None:
    file = tmp_path / "settings.json"
    file.write_text('{"LimitFindResults": 4711, "CaseSensitivePN": true, "StableAge": 1}')
    server = make_server("--settings", str(file))
    said = server.log.read_text()
    assert said.endswith(": LimitFindResults, CaseSensitivePN\n")
    assert said.count("\n") == 1
    assert "4711" not in said


def test_a_folder_that_cannot_be_used_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    status, said = run("--port", "0", "--data", str(tmp_path / "file" / "data"))
    assert status == 2
    assert said.startswith("Cannot use the data folder ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("fault", ["NOTADB", "EISDIR"])
def test_a_database_that_cannot_be_opened_is_said_in_one_line(tmp_path: Path, fault: str) -> None:
    lock_data_folder(tmp_path).release()
    if fault == "EISDIR":
        (tmp_path / "index.db").mkdir()
    else:
        (tmp_path / "index.db").write_text("not a database " * 1000)
    status, said = run("--port", "0", "--data", str(tmp_path))
    assert (status, said.count("\n")) == (2, 1)
    assert fault in said
    assert ("--rebuild-index" in said) is (fault == "NOTADB")


def test_settings_are_obeyed(make_server: Callable[..., Any], tmp_path: Path, study: list[Path]) -> None:
    settings = {"OverwriteInstances": True, "DefaultEncoding": "Utf8"}
    (tmp_path / "settings.json").write_text("/* as Orthanc's own */ " + json.dumps(settings))
    server = make_server("--settings", str(tmp_path / "settings.json"))
    assert [server.upload(study[0])["Status"] for _ in range(2)] == ["Success", "Success"]
    assert server.get("/tools/default-encoding").body == b"Utf8"


def test_another_address_than_loopback_is_warned_about(make_server: Callable[..., Any]) -> None:
    server = make_server("--host", "0.0.0.0")  # noqa: S104 - on purpose
    assert server.get("/system").status == 200
    assert "nobody is asked for a password" in server.log.read_text()


def test_a_request_under_way_is_finished_before_the_end(
    make_server: Callable[..., Any], study: list[Path]
) -> None:
    server = make_server()
    data = study[0].read_bytes()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        head = f"POST /instances HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n"
        connection.sendall(f"{head}Connection: close\r\n\r\n".encode() + data)
        server.process.send_signal(signal.SIGTERM)
        received = b""
        while chunk := connection.recv(1 << 16):
            received += chunk
    assert server.reap() == 0
    server.start()
    # Either it came in before the signal was served and was answered, or it never was taken.
    assert server.counts()[3] == (1 if received.startswith(b"HTTP/1.1 200") else 0)


def test_a_killed_server_starts_again_within_a_second(
    make_server: Callable[..., Any], study: list[Path]
) -> None:
    server = make_server()
    stored = server.upload(study[0])
    workers = server.workers()
    server.stop(signal.SIGKILL)
    began = time.monotonic()
    server.start()
    assert server.get(f"{stored['Path']}/file").body == study[0].read_bytes()
    assert time.monotonic() - began < 30
    server.wait_for(lambda: not any(is_running(pid) for pid in workers))


@pytest.mark.parametrize(("stop", "start"), [("pause", "resume"), ("cancel", "resubmit")])
def test_a_stopped_job_is_still_stopped_after_a_kill(
    make_server: Callable[..., Any], study: list[Path], stop: str, start: str
) -> None:
    server = make_server()
    source = upload_slices(server, study)
    job = server.post(f"/studies/{source}/anonymize", {"Asynchronous": True, "KeepSource": False}).json["ID"]
    server.wait_for(lambda: server.get(f"/jobs/{job}").json["Progress"] > 0, pause=0)
    answer = server.post(f"/jobs/{job}/{stop}", "").status
    seen = state(server, job)
    server.kill_group()
    server.start()
    expected = {"pause": ("Paused", 0), "cancel": ("Failure", 37)}[stop]
    if answer == 200:
        # A job that had ended before it was stopped is left as it was, and shows that at once.
        assert seen in (expected, ("Success", 0))
        assert state(server, job) == seen
    else:
        assert answer == 409
    if seen == expected:
        assert answer == 200
        assert len(server.get(f"/studies/{source}/instances").json) == SLICES
        assert server.post(f"/jobs/{job}/{start}", "").status == 200
    done = server.wait_for_job(job)
    assert (done["State"], done["Content"]["InstancesCount"]) == ("Success", SLICES)
    assert server.counts() == (1, 1, 1, SLICES)
    check_everything_is_whole(server)


def state(server: Any, job: str) -> tuple[str, int]:
    found = server.get(f"/jobs/{job}").json
    return found["State"], found["ErrorCode"]


@pytest.mark.slow
@pytest.mark.parametrize("victim", ["server", "group", "worker"])
@pytest.mark.parametrize("moment", [0.0, 0.2, 0.6])
def test_a_job_survives_a_kill(
    make_server: Callable[..., Any], study: list[Path], victim: str, moment: float
) -> None:
    server = make_server()
    source = upload_slices(server, study)
    job = server.post(f"/studies/{source}/anonymize", {"Asynchronous": True, "KeepSource": False}).json["ID"]
    time.sleep(moment)
    if victim == "worker":
        for pid in server.workers()[-1:]:
            os.kill(pid, signal.SIGKILL)
    elif victim == "group":
        server.kill_group()
        server.start()
    else:
        server.stop(signal.SIGKILL)
        server.start()
    done = server.wait_for_job(job)
    assert (done["State"], done["ErrorCode"]) == ("Success", 0)
    assert done["Content"]["InstancesCount"] == SLICES
    assert server.counts() == (1, 1, 1, SLICES)
    check_everything_is_whole(server)


def is_running(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
