import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
WHOLE = ROOT / "requirements/dev.lock"
SAM = ROOT / "requirements/sam.lock"
PARTS = [
    ROOT / "requirements/local.lock",
    ROOT / "layers/codecs/requirements.txt",
    ROOT / "layers/dependencies/requirements.txt",
]


def pins(path: Path) -> dict[str, str]:
    """Return each locked version with its hashes."""
    lines = re.sub(r"#.*\n", "", path.read_text()).replace("\\\n", " ")
    return {line.partition("==")[0]: line for line in lines.splitlines()}


@pytest.mark.parametrize("part", PARTS, ids=lambda path: path.parent.name)
def test_each_part_repeats_the_lock(part: Path) -> None:
    assert pins(part).items() <= pins(WHOLE).items()


@pytest.mark.parametrize("path", [WHOLE, SAM, *PARTS], ids=lambda path: path.name)
def test_a_lock_names_neither_index_nor_condition(path: Path) -> None:
    assert pins(path)
    assert not re.search(r"://|^-|;", path.read_text(), re.MULTILINE)
    assert all("--hash=sha256:" in line for line in pins(path).values())


def test_the_lock_holds_what_the_project_asks_for() -> None:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = {"run": document["project"]["dependencies"], **document["dependency-groups"]}
    groups |= document["project"]["optional-dependencies"]
    for lock, names in ((SAM, {"sam"}), (WHOLE, groups.keys() - {"sam"})):
        locked = pins(lock)
        for wanted in map(Requirement, chain.from_iterable(groups[name] for name in names)):
            version = locked[canonicalize_name(wanted.name)].partition("==")[2].split()[0]
            assert version in wanted.specifier, wanted
