"""How much memory the edit of half a gigabyte takes, in a process of its own."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from dicomorph.dicom.stream.source import BufferSource
from tests.benchmarks.files import MEGABYTE, multi_frame
from tests.support.edits import rewriter


def memory_of_half_a_gigabyte() -> str:
    """Edit 506 MB out of a file; return what it took."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mf500.dcm")
        size = 506 * MEGABYTE
        path.write_bytes(multi_frame(2, frames=size // MEGABYTE)[:-6] + size.to_bytes(4, "little"))
        os.truncate(path, path.stat().st_size + size)  # a hole: no disk is filled
        command = [sys.executable, "-m", "tests.benchmarks.memory", str(path)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def edit_mapped(path: Path) -> None:
    """Edit a file that is mapped, and print the peak of memory."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        engine, before = rewriter({}), _memory("VmRSS")
        start = time.perf_counter()
        script = engine.rewrite(BufferSource(mapped))
        elapsed = (time.perf_counter() - start) * 1000
    peak = _memory("VmHWM")
    print(
        f"A multi-frame of 506 MB: script of {script.size / MEGABYTE:.0f} MB in {elapsed:.1f} ms, "
        f"peak {peak / 1024:.0f} MB, of which {max(peak - before, 0) / 1024:.1f} MB for the edit"
    )


def _memory(name: str) -> int:
    """Return a figure of this process in KiB (Linux; ru_maxrss would count the parent's memory in)."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


if __name__ == "__main__":
    edit_mapped(Path(sys.argv[1]))
