"""Prove that the locks can be installed, from wheels alone, wherever we run.

pip is asked what it would install for each supported Python and architecture. It asks the index that it
is configured for and downloads descriptions, not wheels. What it would fetch must be what the lock says.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
WHOLE = ROOT / "requirements/dev.lock"
LAYER = ROOT / "layers/dependencies/requirements.txt"


class Target(NamedTuple):
    """A machine that need not be this one."""

    python: str
    architecture: str
    glibc: int  # the minor version of the C library that wheels may ask for

    def __str__(self) -> str:
        return f"Python {self.python} on {self.architecture} with glibc 2.{self.glibc}"

    def options(self) -> list[str]:
        """Say it to pip, which derives no older platform from a newer one."""
        names = [f"manylinux_2_{minor}_{self.architecture}" for minor in range(17, self.glibc + 1)]
        platforms = [f"--platform={name}" for name in [*names, f"manylinux2014_{self.architecture}"]]
        return ["--implementation=cp", f"--python-version={self.python}", *platforms]


class Wheel(NamedTuple):
    """What pip would install."""

    file_name: str
    sha256: str


class LockError(Exception):
    """A lock that does not hold somewhere."""


def read_lock(path: Path) -> dict[str, tuple[str, set[str]]]:
    """Return the pin and the hashes of each project in a lock."""
    entries = re.sub(r"#.*\n", "", path.read_text()).replace("\\\n", " ").splitlines()
    pins = {pin: set(re.findall("sha256:([0-9a-f]{64})", rest)) for pin, _, rest in map(_partition, entries)}
    return {pin.partition("==")[0]: (pin, hashes) for pin, hashes in pins.items()}


def _partition(line: str) -> tuple[str, str, str]:
    return line.partition(" ")


def would_install(pins: list[str], target: Target, *options: str) -> dict[str, Wheel]:
    """Ask pip for its choice of wheels on a target."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        pip = [sys.executable, "-m", "pip", "install", "-qq", "--dry-run", "--ignore-installed"]
        wheels = ["--only-binary=:all:", f"--target={folder}", f"--report={report}", *target.options()]
        done = subprocess.run([*pip, *wheels, *options, *pins], capture_output=True, text=True, check=False)
        if done.returncode:
            raise LockError(f"{target}: {done.stderr.strip()}")
        chosen = json.loads(report.read_text())["install"]
    return {
        re.sub(r"[-_.]+", "-", item["metadata"]["name"]).lower(): Wheel(
            item["download_info"]["url"].rpartition("/")[2],
            item["download_info"]["archive_info"]["hashes"]["sha256"],
        )
        for item in chosen
    }


def check(lock: Path, projects: set[str], target: Target, *options: str) -> dict[str, Wheel]:
    """Compare what pip would install with what the lock says."""
    locked = read_lock(lock)
    wheels = would_install([locked[project][0] for project in sorted(projects)], target, *options)
    if wheels.keys() != projects:
        raise LockError(f"{target}: not in {lock.name}, or not needed: {sorted(wheels.keys() ^ projects)}")
    for project, wheel in wheels.items():
        if wheel.sha256 not in locked[project][1]:
            raise LockError(f"{target}: {lock.name} lacks the hash of {wheel.file_name}")
    print(f"{lock.relative_to(ROOT)}: {len(wheels)} wheels for {target}", flush=True)
    return wheels


def main() -> None:
    """Check the whole lock on every target, and the layer on what Lambda offers."""
    first, *others = [
        Target(python, architecture, 28)
        for python, architecture in product(["3.11", "3.12", "3.13"], ["x86_64", "aarch64"])
    ]
    wheels = check(WHOLE, set(read_lock(WHOLE)), first)
    # The rest is one file for every machine: what the oldest Python takes, all do.
    compiled = {project for project, wheel in wheels.items() if not wheel.file_name.endswith("-none-any.whl")}
    with ThreadPoolExecutor(max_workers=2) as pool:
        checks = [pool.submit(check, WHOLE, compiled, target, "--no-deps") for target in others]
        checks += [
            pool.submit(check, LAYER, set(read_lock(LAYER)), Target("3.13", architecture, 17))
            for architecture in ("x86_64", "aarch64")
        ]
        for each in checks:
            each.result()


if __name__ == "__main__":
    try:
        main()
    except LockError as error:
        sys.exit(str(error))
