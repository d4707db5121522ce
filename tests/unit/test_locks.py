import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WHOLE = ROOT / "requirements/dev.lock"
PARTS = [ROOT / "requirements/local.lock", ROOT / "layers/dependencies/requirements.txt"]


def pins(path: Path) -> dict[str, str]:
    """Return each locked version with its hashes."""
    lines = re.sub(r"#.*\n", "", path.read_text()).replace("\\\n", " ")
    return {line.partition("==")[0]: line for line in lines.splitlines()}


@pytest.mark.parametrize("part", PARTS, ids=lambda path: path.parent.name)
def test_each_part_repeats_the_lock(part: Path) -> None:
    assert pins(part).items() <= pins(WHOLE).items()


@pytest.mark.parametrize("path", [WHOLE, *PARTS], ids=lambda path: path.parent.name)
def test_a_lock_names_neither_index_nor_condition(path: Path) -> None:
    assert pins(path)
    assert not re.search(r"://|^-|;", path.read_text(), re.MULTILINE)
    assert all("--hash=sha256:" in line for line in pins(path).values())
