"""Backups while a server stores, deletes and runs jobs, and backups that are killed."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from dicomorph.embedded.backend import database_file
from dicomorph.model.resources import Level
from dicomorph.services.store.delete_resource import delete_resource
from local.__main__ import main
from local.data_folder import DataFolderError, lock_data_folder
from local.index_state import require_index
from tests.support.api_client import make_dicom
from tests.support.kept_folders import close, filled, images, rows
from tests.support.killed_commands import Command
from tests.workflows.embedded import serve


def held(folder: Path) -> set[str]:
    return {str(row[1]) for row in rows(folder) if row[0] == 3}


class Clients:
    """What clients do to a server, and what was answered."""

    def __init__(self, server: Any) -> None:
        self.stored: list[str] = []
        self.failures: list[BaseException] = []
        self._server = server
        self._is_over = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(deed,)) for deed in (self._store, self._delete)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._is_over.set()
        for thread in self._threads:
            thread.join()

    def _run(self, deed: Callable[[int], None]) -> None:
        try:
            number = 0
            while not self._is_over.is_set():
                number += 1
                deed(number)
        except BaseException as error:  # noqa: BLE001 - told in the end
            self.failures.append(error)

    def _store(self, number: int) -> None:
        answer = self._server.post("/instances", make_dicom("KEPT", 1, number % 5, number))
        assert answer.status == 200
        self.stored.append(answer.json["ID"])

    def _delete(self, number: int) -> None:
        for image in range(4):
            uploaded = self._server.post("/instances", make_dicom(f"GONE{number}", 2, 1, image)).json
        assert self._server.call("DELETE", f"/patients/{uploaded['ParentPatient']}").status == 200


def meanwhile(server: Any, target: Path, rounds: int) -> None:
    """Back up again and again while clients work; each time, what was answered before is in it."""
    for number in range(30):
        replaced = server.post("/instances", make_dicom("JOB", 3, 1, number)).json
    clients = Clients(server)
    clients.start()
    job = server.post(
        f"/studies/{replaced['ParentStudy']}/modify", {"KeepSource": False, "Asynchronous": True}
    )
    try:
        for _ in range(rounds):
            stored = set(clients.stored)
            assert main(["--backup", str(target), "--data", str(server.data)]) == 0
            assert stored <= held(target)
            assert main(["--verify", "--data", str(target)]) == 0
    finally:
        clients.stop()
    assert clients.failures == []
    assert server.wait_for_job(job.json["ID"])["State"] == "Success"
    assert main(["--verify", "--data", str(server.data)]) == 0


@pytest.mark.parametrize("rounds", [3, pytest.param(60, marks=[pytest.mark.slow, pytest.mark.timeout(600)])])
def test_a_backup_has_what_was_answered_before_it_began(
    make_server: Callable[..., Any], tmp_path: Path, rounds: int
) -> None:
    server = make_server()
    meanwhile(server, tmp_path / "backup", rounds)
    restored = make_server(folder="backup")
    assert restored.log.read_text() == ""
    found = restored.get("/instances").json
    assert len(found) >= 30
    for instance in found[:: max(1, len(found) // 20)]:
        assert restored.get(f"/instances/{instance}/file").status == 200
    for job in restored.get("/jobs").json:
        assert restored.wait_for_job(job)["State"] == "Success"
    studies = [study["MainDicomTags"] for study in restored.get("/studies?expand").json]
    assert len(studies) >= 2
    jobs = [len(restored.get(f"/studies/{study}/instances").json) for study in restored.get("/studies").json]
    assert 30 in jobs


def kill_rounds(tmp_path: Path, count: int) -> None:
    draw = random.Random(1)  # noqa: S311 - the same at every run
    data, target = tmp_path / "data", tmp_path / "backup"
    filled(data)
    for number in range(count):
        server = serve(data)
        for image in range(20):
            uploaded = server.upload(image, study=100 + number)
        if number % 2:
            delete_resource(server.backend, Level.STUDY, str(uploaded["ParentStudy"]))
        close(server)
        Command("--backup", str(target), "--data", str(data)).kill_after(draw.uniform(0, 0.1))
        check_after_kill(target)
    assert main(["--backup", str(target), "--data", str(data)]) == 0
    assert rows(target) == rows(data)
    assert images(target) == images(data)
    assert main(["--verify", "--data", str(target)]) == 0


def check_after_kill(target: Path) -> None:
    """See that a backup is right, or none yet."""
    if not database_file(target).exists():
        with suppress(DataFolderError):
            lock_data_folder(target).release()
        return
    with_files = {name.split("/")[1] for name in images(target)}
    assert held(target) <= with_files
    marker = target / "backup.json"
    kept = marker.read_bytes()
    lock_data_folder(target).release()
    require_index(target)
    marker.write_bytes(kept)


def test_a_backup_may_be_killed_at_any_moment(tmp_path: Path) -> None:
    kill_rounds(tmp_path, 3)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_many_backups_may_be_killed(tmp_path: Path) -> None:
    kill_rounds(tmp_path, 50)
