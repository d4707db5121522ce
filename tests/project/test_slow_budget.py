"""Which slow tests CI runs in the time that it has, and that those left out are named."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

TESTS = """
import pytest

@pytest.mark.timeout(1000)
def test_long(): print("ran long")

def test_short(): print("ran short")

@pytest.mark.always
@pytest.mark.timeout(1000)
def test_browser(): print("ran browser")
"""


def run(folder: Path, budget: int) -> tuple[list[str], list[str]]:
    """Return which tests ran, in their order, and which ones the summary lists as left out."""
    (folder / "test_slow.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers =\n  always: x\n  timeout: x\n")
    command = [sys.executable, "-m", "pytest", "-s", "-q", "-p", "tests.conftest", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "--rootdir", str(folder), f"--budget={budget}", str(folder)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT}/layers/dicomorph"},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    ran = [line.partition("ran ")[2] for line in lines if "ran " in line]
    return ran, [line.partition("::test_")[2] for line in lines if line.startswith("test_slow.py::")]


@pytest.mark.parametrize(
    ("budget", "ran", "left_out"),
    [
        (0, ["browser"], ["long", "short"]),
        (900, ["browser", "short"], ["long"]),
        (2000, ["browser", "long", "short"], []),
    ],
)
def test_what_may_take_longer_than_the_budget_is_left_out_and_listed(
    tmp_path: Path, budget: int, ran: list[str], left_out: list[str]
) -> None:
    assert run(tmp_path, budget) == (ran, left_out)


def test_the_browsers_tests_fail_in_ci_without_a_browser_and_are_skipped_elsewhere(tmp_path: Path) -> None:
    assert shutil.which("chromium", path=str(tmp_path)) is None
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-m", "slow", "-k", "people"]
    for is_ci, outcome in (("", "1 skipped"), ("true", "1 error")):
        done = subprocess.run(
            [*command, "tests/local/test_chromium.py"],
            cwd=ROOT,
            env={**os.environ, "PATH": str(tmp_path), "CI": is_ci},
            capture_output=True,
            text=True,
            check=False,
        )
        assert outcome in done.stdout, done.stdout
