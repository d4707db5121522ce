"""Memory and ends of the processes of a server under measurement (Linux)."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

_EVERY = 0.2  # seconds


def proportional_memory(root: int) -> int:
    """Return the PSS of a process and all below it, in KiB: shared pages count once in the sum."""
    return sum(_pss(pid) for pid in _family(root))


class PeakMemory:
    """The highest `proportional_memory` while it watches.

    Parameters
    ----------
    root : int
        The process that all others descend from.
    """

    def __init__(self, root: int) -> None:
        self.peak = 0  # KiB
        self._root = root
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.peak = max(self.peak, proportional_memory(self._root))
            if self._ended.wait(_EVERY):
                return


@contextmanager
def program(command: Sequence[str], folder: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program in a folder until the end of the block."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _family(root: int) -> Iterator[int]:
    yield root
    for file in Path(f"/proc/{root}/task").glob("*/children"):
        try:
            children = file.read_text().split()
        except OSError:  # ended meanwhile
            continue
        for child in children:
            yield from _family(int(child))


def _pss(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def load() -> str:
    """Return the load averages, which any figure should be read with."""
    return "load {:.1f} {:.1f} {:.1f} on {} cores".format(*os.getloadavg(), os.cpu_count() or 1)
