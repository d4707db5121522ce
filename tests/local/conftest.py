"""A real server in a process of its own, and a client that does what it is told."""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.sample_study import write_sample_study
from tests.local.machine import Machine

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Server:
    """``python -m local`` on a free port (or the one it had before) and a folder of its own."""

    def __init__(self, data: Path, *options: str) -> None:
        self.data = data
        self.log = data.parent / "server.log"
        self._options = options
        self.port = 0
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> Server:
        command = [sys.executable, "-m", "local", "--port", str(self.port), "--data", str(self.data)]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [*command, *self._options],
                cwd=ROOT,
                text=True,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # so that its group can be killed without the tests
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        assert found, f"{line!r} {(self.data.parent / 'server.log').read_text()}"
        self.port = int(found[1])
        return self

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal to the server alone and wait until it is gone."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.reap()

    def kill_group(self) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)
        self.reap()

    def workers(self) -> list[int]:
        """Return the processes below the server."""
        assert self.process is not None
        children = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return [int(pid) for file in children for pid in file.read_text().split()]

    def reap(self) -> int:
        assert self.process is not None
        status = self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status

    def call(
        self,
        method: str,
        path: str,
        body: bytes | str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(response.status, dict(response.headers.items()), response.read())
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        return self.call("GET", path)

    def post(self, path: str, body: bytes | str | Mapping[str, Any]) -> Answer:
        return self.call("POST", path, json.dumps(body) if isinstance(body, Mapping) else body)

    def upload(self, file: Path) -> dict[str, Any]:
        answer = self.post("/instances", file.read_bytes())
        assert answer.status == 200, answer
        return dict(answer.json)

    def counts(self) -> tuple[int, int, int, int]:
        found = self.get("/statistics").json
        return (
            found["CountPatients"],
            found["CountStudies"],
            found["CountSeries"],
            found["CountInstances"],
        )

    def empty(self) -> None:
        for patient in self.get("/patients").json:
            self.call("DELETE", f"/patients/{patient}")

    def wait_for(self, condition: Callable[[], bool], *, pause: float = 0.05) -> None:
        deadline = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(pause)

    def wait_for_job(self, job_id: str) -> dict[str, Any]:
        self.wait_for(lambda: self.get(f"/jobs/{job_id}").json["State"] in {"Success", "Failure"})
        return dict(self.get(f"/jobs/{job_id}").json)


@pytest.fixture(autouse=True)
def _the_umask_of_the_tests() -> Iterator[None]:
    """A server that a test begins in this process makes its files its user's own."""
    before = os.umask(0)
    os.umask(before)
    yield
    os.umask(before)


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Six CT images: one patient, one study, two series."""
    return write_sample_study(tmp_path_factory.mktemp("study"))


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers on data folders; whatever is left of them is killed in the end."""
    servers: list[Server] = []

    def make(*options: str, folder: str = "data") -> Server:
        servers.append(Server(tmp_path / folder, "--workers", "2", *options))
        return servers[-1].start()

    yield make
    for server in servers:
        if server.process is not None and server.process.poll() is None:
            server.kill_group()


@pytest.fixture(scope="session")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("server") / "data", "--workers", "1").start()
    yield server
    assert server.stop() == 0


@pytest.fixture
def server(running_server: Server) -> Server:
    """The server that tests share, emptied."""
    running_server.empty()
    return running_server


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    """A server without HTTP, on an empty folder."""
    (tmp_path / "data").mkdir()
    machine = Machine(tmp_path / "data")
    yield machine
    machine.stop()


@pytest.fixture
def stored_study(machine: Machine) -> str:
    """A study of 30 instances: two batches."""
    (found,) = {str(machine.server.upload(number)["ParentStudy"]) for number in range(1, 31)}
    return found
