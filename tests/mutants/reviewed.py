"""Mutants that no test can or need tell from the original, each with the reason (``equivalent.toml``)."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Final

from tests.mutants.mutations import Mutation

PAGE: Final = Path(__file__).with_name("equivalent.toml")


def lines_of(source: bytes, mutation: Mutation) -> tuple[str, str]:
    """Return the lines that a mutation touches, before and after, without indentation."""
    before = source.splitlines()[mutation.lines.start - 1 : mutation.lines.stop - 1]
    after = mutation.apply(source).splitlines()
    kept = len(source.splitlines()) - mutation.lines.stop + 1
    changed = after[mutation.lines.start - 1 : len(after) - kept]
    return _text(before), _text(changed)


def _text(lines: list[bytes]) -> str:
    return " ".join(line.decode().strip() for line in lines)


def read_reviewed() -> dict[tuple[str, str, str], str]:
    """Return the reasons by module, line and what the line became."""
    found = tomllib.loads(PAGE.read_text(encoding="utf-8"))
    return {
        (mutant["module"], mutant["line"], mutant["became"]): mutant["reason"]
        for mutant in found.get("mutant", [])
    }
