"""Ctrl-C ends the server without a traceback, however far its start has come, and whatever it does."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.support.api_client import make_dicom

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "module",
    ["local.arguments", "local.data_folder", "httptools", "dicomorph.http.resolver", "local.run"],
)
def test_a_start_is_interrupted_without_a_traceback(tmp_path: Path, module: str) -> None:
    # Python tells the name of each module as soon as it was imported.
    command = [sys.executable, "-X", "importtime", "-m", "local", "--port", "0", "--data", str(tmp_path)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as server:
        assert server.stderr is not None
        names = (line.rpartition("|")[2].strip() for line in server.stderr)
        assert module in names  # which reads no further than that
        os.killpg(server.pid, signal.SIGINT)
        said = server.communicate(timeout=60)[1]
    assert server.returncode in {0, -signal.SIGINT}
    assert "Traceback" not in said


def test_a_server_that_listens_is_interrupted_without_a_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "local", "--port", "0", "--data", str(tmp_path), "--workers", "4"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as server:
        assert server.stdout is not None
        assert "listens on" in server.stdout.readline()
        os.killpg(server.pid, signal.SIGINT)  # its workers, too, which are importing still
        said = server.communicate(timeout=60)[1]
    assert (server.returncode, said) == (0, "")


@pytest.mark.parametrize("moment", [0.0, 0.03, 0.1])
@pytest.mark.parametrize("signals", [1, 2])
def test_a_busy_server_is_interrupted_without_a_traceback(
    tmp_path: Path, moment: float, signals: int
) -> None:
    command = [sys.executable, "-m", "local", "--port", "0", "--data", str(tmp_path), "--workers", "1"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline().split("127.0.0.1:")[1].split()[0])
        halves = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
        halves[0].sendall(b"POST /instances HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n\r\nab")
        halves[1].sendall(b"GET /system HT")
        clients = [threading.Thread(target=call_on, args=(port,)) for _ in range(4)]
        for client in clients:
            client.start()
        time.sleep(moment)
        for _ in range(signals):
            os.killpg(server.pid, signal.SIGINT)
            time.sleep(0.05)
        for half in halves:
            half.close()
        said = server.communicate(timeout=60)[1]
        for client in clients:
            client.join(60)
    assert server.returncode in {0, -signal.SIGINT}
    assert said == ""


def call_on(port: int) -> None:
    """Ask and ask and store, until nobody answers."""
    with contextlib.suppress(OSError, http.client.HTTPException):
        while True:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            with contextlib.closing(connection):
                for body in (None, make_dicom(), make_dicom(EncapsulatedDocument=bytes(2_000_000))):
                    connection.request("POST" if body else "GET", "/instances", body)
                    connection.getresponse().read()
