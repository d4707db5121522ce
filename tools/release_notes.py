"""Print what a release changes, if its tag may become one:  python -m tools.release_notes v0.1.0 [ADDRESS].

The tag has to be the version of the project and of the package, and CHANGELOG.md has to tell what it brings,
in the form of Keep a Changelog: a dated section of its own, with entries, and none left under "Unreleased".
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections import defaultdict
from datetime import date
from pathlib import Path

from dicomorph import __version__

ROOT = Path(__file__).parent.parent

_HEADING = re.compile(r"^## (.*)$", re.MULTILINE)
_ENTRY = re.compile(r"^- ", re.MULTILINE)
_RELATIVE_LINK = re.compile(r"\]\((?![a-z]+:|#)")
_BROKEN_LINE = re.compile(r"(?<=\S)\n +(?![-*] )(?=\S)")


def main(tag: str, address: str = "") -> None:
    """Print the changes of a tag.

    Parameters
    ----------
    tag : str
        Such as ``v0.1.0``.
    address : str
        Where the pages of that tag lie, with a slash at its end; relative links are given it.

    Raises
    ------
    SystemExit
        In one line, if the tag may not become a release.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    version = released_version(tag, project=project, package=__version__)
    print(as_notes(changes((ROOT / "CHANGELOG.md").read_text("utf-8"), version), address))


def released_version(tag: str, *, project: str, package: str) -> str:
    """Return the version that a tag stands for.

    Raises
    ------
    SystemExit
        If the project or the package has another one.
    """
    if tag != f"v{project}":
        raise SystemExit(f"The tag {tag} is not v{project}, the version in pyproject.toml.")
    if package != project:
        raise SystemExit(f"The package says that it is {package}, pyproject.toml says {project}.")
    return project


def changes(changelog: str, version: str) -> str:
    """Return what the changelog says of a version, without the heading.

    Raises
    ------
    SystemExit
        If there is no section of the version or more than one, if it has no date or no entries, or if entries
        stand under "Unreleased": whatever was tagged would be released unnamed.
    """
    sections = _sections(changelog)
    if any(_ENTRY.search(text) for text in sections["[Unreleased]"]):
        raise SystemExit(
            f"CHANGELOG.md has entries under [Unreleased]: move them to the section of {version}."
        )
    titles = [title for title in sections if title.startswith(f"[{version}]")]
    found = [text for title in titles for text in sections[title]]
    if len(found) != 1:
        raise SystemExit(f"CHANGELOG.md has {len(found)} sections '## [{version}] - <date>', not one.")
    if not _is_dated(titles[0].removeprefix(f"[{version}]")):
        raise SystemExit(f"CHANGELOG.md gives {version} no date: '## [{version}] - 2026-01-31'.")
    if not _ENTRY.search(found[0]):
        raise SystemExit(f"CHANGELOG.md tells nothing of {version}.")
    return found[0]


def as_notes(text: str, address: str) -> str:
    """Return a section as a release of GitHub shows it.

    There a new line is a break, and a relative link leads nowhere.
    """
    return _RELATIVE_LINK.sub(f"]({address}", _BROKEN_LINE.sub(" ", text))


def _sections(changelog: str) -> defaultdict[str, list[str]]:
    """Return the texts below the headings of the second level."""
    _, *parts = _HEADING.split(changelog)
    sections: defaultdict[str, list[str]] = defaultdict(list)
    for title, text in zip(parts[::2], parts[1::2], strict=True):
        sections[title.strip()].append(text.strip())
    return sections


def _is_dated(rest: str) -> bool:
    try:
        date.fromisoformat(rest.removeprefix(" - "))
    except ValueError:
        return False
    return rest.startswith(" - ")


if __name__ == "__main__":
    main(*sys.argv[1:])
