"""The servers that jobs are measured on, each in a process of its own on an empty folder."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import socket
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from tests.benchmarks.processes import program

ROOT = Path(__file__).resolve().parents[2]
EDITION = "2021b"
"""Of the profile; known to both servers."""


@dataclass
class Server:
    """A server that is being measured, ours or Orthanc."""

    port: int
    pid: int

    def call(self, method: str, path: str, body: bytes | BinaryIO | None = None) -> Any:
        """Return the JSON that a request is answered with."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=3600)
        try:
            connection.request(method, path, body)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise RuntimeError(f"{method} {path}: {response.status}")
        return json.loads(answer)

    def post(self, path: str, body: Mapping[str, object]) -> Any:
        """Return the JSON that a body of JSON is answered with."""
        return self.call("POST", path, json.dumps(body).encode())


@contextlib.contextmanager
def dicomorph(work: Path, *, sync: bool, data: Path | None = None) -> Iterator[Server]:
    """Run our server."""
    port = _free_port()
    settings = work / "settings.json"
    settings.write_text(json.dumps({"SyncStorageArea": sync, "DefaultDicomVersion": EDITION}))
    folder = data or empty_folder(work / "dicomorph")
    options = ("--port", str(port), "--data", str(folder), "--settings", str(settings))
    command = (sys.executable, "-m", "local", *options)
    with program(command, ROOT, work / "dicomorph.log") as process:
        yield _ready(port, process.pid)


@contextlib.contextmanager
def orthanc(work: Path, *, sync: bool) -> Iterator[Server]:
    """Run Orthanc with one thread for jobs, as it is by default."""
    port = _free_port()
    folder = empty_folder(work / "orthanc")
    configuration = work / "orthanc.json"
    configuration.write_text(
        json.dumps(
            {
                "StorageDirectory": str(folder),
                "IndexDirectory": str(folder),
                "HttpPort": port,
                "DicomServerEnabled": False,
                "AuthenticationEnabled": False,
                "RemoteAccessAllowed": False,
                "Plugins": [],
                "SyncStorageArea": sync,
                "ConcurrentJobs": 1,
                "JobsEngineThreadsCount": {"ResourceModification": 1},
            }
        )
    )
    with program((find_orthanc(), str(configuration)), work, work / "orthanc.log") as process:
        yield _ready(port, process.pid)


def find_orthanc() -> str:
    return shutil.which("Orthanc") or shutil.which("Orthanc", path="/usr/sbin") or ""


def empty_folder(folder: Path) -> Path:
    """Create a folder anew."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _ready(port: int, pid: int) -> Server:
    server = Server(port, pid)
    for _ in range(600):
        with contextlib.suppress(OSError):
            server.call("GET", "/system")
            return server
        time.sleep(0.05)
    raise RuntimeError("the server did not start")
