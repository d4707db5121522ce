import tomllib
from pathlib import Path

import dicomorph

ROOT = Path(__file__).parents[2]


def test_the_package_carries_the_version_of_the_project() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert dicomorph.__version__ == project["version"]


def test_the_changelog_names_the_version() -> None:
    assert dicomorph.__version__ in (ROOT / "CHANGELOG.md").read_text()
