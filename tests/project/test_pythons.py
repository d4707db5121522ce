"""The same versions of Python are named, asked for, locked and tried everywhere."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
CLASSIFIED = [
    found[1]
    for line in PROJECT["project"]["classifiers"]
    if (found := re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", line))
]
FIRST, LAST = CLASSIFIED[0], CLASSIFIED[-1]
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "docs/operations/one-machine.md",
    "docs/operations/deploy.md",
    ".ci/run",
)


def text(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def test_what_is_classified_is_what_may_install_it() -> None:
    allowed = SpecifierSet(PROJECT["project"]["requires-python"])
    assert [f"3.{minor}" for minor in range(30) if f"3.{minor}" in allowed] == CLASSIFIED
    after = f"3.{int(LAST.removeprefix('3.')) + 1}"
    assert f"python_full_version < '{after}'" in PROJECT["tool"]["uv"]["environments"][0]


@pytest.mark.parametrize("page", PAGES)
def test_a_page_names_them(page: str) -> None:
    assert f"Python {FIRST} to {LAST}" in text(page)


def test_the_tools_and_ci_try_all_of_them() -> None:
    assert f"for python in {' '.join(CLASSIFIED)};" in text("tools/lock-check")
    newest_first = " ".join(f"python{version}" for version in reversed(CLASSIFIED))
    assert newest_first in text("tools/environment")
    jobs = yaml.safe_load(text(".github/workflows/ci.yml"))["jobs"]
    assert jobs["check"]["strategy"]["matrix"]["python"] == CLASSIFIED


@pytest.mark.parametrize(
    ("version", "is_taken"), [("3.10", False), *((v, True) for v in CLASSIFIED), ("3.14", False)]
)
def test_an_environment_is_made_of_no_other(tmp_path: Path, version: str, is_taken: bool) -> None:  # noqa: FBT001
    """With a Python that says to be of a version, and makes no environment."""
    info = f"({version.replace('.', ', ')}, 1)"
    python = tmp_path / "python"
    python.write_text(
        '#!/bin/sh\n[ "$1" = -m ] && exit 3\n'
        'case "$2" in *version_info*) '
        f'exec {sys.executable} -c "import sys; sys.version_info = {info}; $2";; esac\n'
    )
    python.chmod(0o755)
    (tmp_path / "tools").mkdir()
    (tmp_path / "requirements").symlink_to(ROOT / "requirements")
    tool = tmp_path / "tools/environment"
    tool.write_text(text("tools/environment"))
    done = subprocess.run(
        ["sh", str(tool), "local"],
        env={"PATH": "/usr/bin:/bin", "PYTHON": str(python)},
        capture_output=True,
        text=True,
        check=False,
    )
    said = f"Python {FIRST} to {LAST} is needed"
    assert (done.returncode, said in done.stderr) == ((3, False) if is_taken else (1, True)), done
