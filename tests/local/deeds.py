"""What a worker does at a task if a test wants it, death included."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path


def die(_: Path) -> None:
    """End the process as the kernel does when memory is short."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_once(marker: Path) -> None:
    """Die unless the marker is there, and leave it."""
    if not marker.exists():
        marker.touch()
        die(marker)


def wait(marker: Path) -> None:
    """Wait for the marker."""
    while not marker.exists():
        time.sleep(0.01)
