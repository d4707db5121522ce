"""Ctrl-C ends the server without a traceback, however far its start has come."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

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
