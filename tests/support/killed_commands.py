"""Commands of the server's command line that are killed amid their work."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_PROGRAM = (
    "import sys; from local.__main__ import main;"
    "print('ready', flush=True); sys.stdin.readline(); sys.exit(main(sys.argv[1:]))"
)


class Command:
    """``python -m local`` with options, with everything imported before it begins."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *options],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"ready\n"

    def kill_after(self, seconds: float) -> bool:
        """Let it work for some time and kill it; tell whether it was done by then."""
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        time.sleep(seconds)
        self.process.kill()
        self.process.communicate()
        return self.process.returncode >= 0
