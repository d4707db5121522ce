"""A real server that is killed amid deletions, and what its next start says and does."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any

import pytest

from local.greeting import orphans_found
from tests.local.pictures import strays
from tests.support.api_client import make_dicom

INSTANCES = 25


def kill_amid_deletion(server: Any, patient: str, seconds: float) -> bool:
    """Delete a patient and kill the server a moment later; tell whether it has answered."""
    for number in range(INSTANCES):
        uploaded = server.post("/instances", make_dicom(patient, 1, 1, number + 1)).json
    answered: list[int] = []

    def delete() -> None:
        with suppress(OSError, HTTPException):
            answered.append(server.call("DELETE", f"/patients/{uploaded['ParentPatient']}").status)

    deleting = threading.Thread(target=delete)
    deleting.start()
    time.sleep(seconds)
    server.kill_group()
    deleting.join()
    return answered == [200]


def rounds(server: Any, count: int) -> None:
    draw = random.Random(1)  # noqa: S311 - the same at every run
    kept = server.post("/instances", make_dicom("KEPT", 1, 1, 1)).json["ID"]
    for number in range(count):
        is_answered = kill_amid_deletion(server, f"P{number}", draw.uniform(0, 0.03))
        server.start()
        assert strays(server.data) == (set(), set())
        assert not [path for name in ("pinned", "orphans") for path in (server.data / name).rglob("*.dcm")]
        left = server.get("/instances").json
        assert kept in left
        assert len(left) == 1 if is_answered else len(left) in (1, INSTANCES + 1)
        for patient in server.get("/patients?expand").json:
            if patient["MainDicomTags"]["PatientID"] != "KEPT":
                server.call("DELETE", f"/patients/{patient['ID']}")
    assert server.log.read_text() == ""


def test_a_server_that_is_killed_amid_a_deletion_erases_at_the_next_start(
    make_server: Callable[..., Any],
) -> None:
    rounds(make_server(), 2)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_server_that_is_killed_amid_many_deletions_erases_at_each_start(
    make_server: Callable[..., Any],
) -> None:
    rounds(make_server(), 60)


def test_files_of_nobody_are_moved_aside_and_counted(make_server: Callable[..., Any]) -> None:
    server = make_server()
    kept = server.post("/instances", make_dicom("KEPT", 1, 1, 1)).json["ID"]
    assert server.stop() == 0
    for number in range(3):
        stray = server.data / f"objects/instances/ab/abcd/{number}.dcm"
        stray.parent.mkdir(parents=True, exist_ok=True)
        stray.write_bytes(b"x")
    time.sleep(0.2)  # they are older than the start
    server.start()
    assert server.log.read_text() == orphans_found(3, server.data / "orphans") + "\n"
    assert "abcd" not in server.log.read_text()
    assert len(list((server.data / "orphans/instances/ab/abcd").iterdir())) == 3
    assert strays(server.data) == (set(), set())
    assert server.get("/instances").json == [kept]
    assert server.stop(signal.SIGINT) == 0
    server.start()
    assert server.log.read_text().count("\n") == 1


def test_what_is_said_of_orphans_is_a_line_or_nothing() -> None:
    assert orphans_found(0, Path("/data/orphans")) == ""
    for count in (1, 2, 1000):
        said = orphans_found(count, Path("/data/orphans"))
        assert said.startswith(f"{count} file")
        assert "\n" not in said
