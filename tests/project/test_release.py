import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import dicomorph
from tools.release_notes import as_notes, changes, released_version

ROOT = Path(__file__).parents[2]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")
OPEN = "## [Unreleased]\n"


def test_the_package_carries_the_version_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert dicomorph.__version__ == project["version"]


def test_the_changelog_names_the_version() -> None:
    assert dicomorph.__version__ in CHANGELOG


def test_a_release_tells_what_stood_under_unreleased_and_nothing_older() -> None:
    unreleased, _, older = CHANGELOG.partition(OPEN)[2].partition("\n## ")
    dated = CHANGELOG.replace(OPEN, f"{OPEN}\n## [9.9.9] - 2026-01-31\n\n- The last entry.\n")
    told = changes(dated, "9.9.9")
    assert told.startswith("- The last entry.")
    assert told.endswith(unreleased.strip())
    assert not older or older not in told


BROKEN = {
    "of another version": ("## [1.1.0] - 2026-01-31\n\n- More.\n", "has 0 sections"),
    "of a version that begins alike": ("## [1.2.0-rc.1] - 2026-01-31\n\n- More.\n", "has 0 sections"),
    "twice": ("## [1.2.0] - 2026-01-31\n\n- More.\n\n## [1.2.0] - 2026-01-30\n\n- Less.\n", "has 2 sections"),
    "twice with one date": ("## [1.2.0] - 2026-01-31\n\n- More.\n" * 2, "has 2 sections"),
    "without a date": ("## [1.2.0]\n\n- More.\n", "no date"),
    "with no day of a calendar": ("## [1.2.0] - 2026-02-30\n\n- More.\n", "no date"),
    "without entries": (
        "## [1.2.0] - 2026-01-31\n\n### Added\n\n## [1.1.0] - 2025-01-31\n\n- x\n",
        "nothing",
    ),
    "with entries left": (f"{OPEN}\n- Forgotten.\n\n## [1.2.0] - 2026-01-31\n\n- More.\n", "Unreleased"),
    "of nothing": ("", "has 0 sections"),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_changelog_that_does_not_tell_what_a_version_brings_is_refused(kind: str) -> None:
    changelog, reason = BROKEN[kind]
    with pytest.raises(SystemExit, match=reason):
        changes(f"# Changelog\n\n{changelog}", "1.2.0")


@pytest.mark.parametrize("tag", ["1.2.0", "v1.2", "v1.2.1", "v1.2.0-rc.1", "v1.2.0\n"])
def test_a_tag_that_is_not_the_version_is_refused(tag: str) -> None:
    with pytest.raises(SystemExit, match=r"is not v1\.2\.0"):
        released_version(tag, project="1.2.0", package="1.2.0")


def test_a_package_of_another_version_is_refused() -> None:
    with pytest.raises(SystemExit, match=r"1\.1\.0.+1\.2\.0"):
        released_version("v1.2.0", project="1.2.0", package="1.1.0")


def test_notes_have_one_line_an_entry_and_links_that_lead_from_anywhere() -> None:
    section = """### Added

- Pages on [jobs](docs/jobs.md#targets),
  and on [Orthanc](https://orthanc-server.com).
  - Of which one is [here](#here).
- The end.
"""
    assert (
        as_notes(section, "https://host/blob/v1/")
        == """### Added

- Pages on [jobs](https://host/blob/v1/docs/jobs.md#targets), and on [Orthanc](https://orthanc-server.com).
  - Of which one is [here](#here).
- The end.
"""
    )


def test_the_command_refuses_a_tag_in_one_line() -> None:
    command = [sys.executable, "-m", "tools.release_notes", "v0.0.0"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"The tag v0\.0\.0 is not .+\n", done.stderr)
