"""Where the code asks a port or a client of AWS for something."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import NamedTuple

from dicomorph.ports.index import Index
from local.template import TEMPLATE

_PACKAGE = TEMPLATE.parent / "layers/dicomorph/dicomorph"
# import-linter proves that the pure ones know no ports.
_ELSEWHERE = {"deid", "dicom", "embedded", "jobs", "model", "ports"}
_PORTS = {role.name for role in fields(Index)} | {"door", "jobs", "objects", "runner"}
_ADAPTERS = {"_catalogue", "_client", "_table"}


class CallSite(NamedTuple):
    """A call of a method of a port, an adapter's part or a client: lines count from 1."""

    path: Path
    first_line: int
    last_line: int
    method: str

    @property
    def lines(self) -> set[tuple[str, int]]:
        """The lines of the call, as frames of the stack name them."""
        return {(str(self.path), number) for number in range(self.first_line, self.last_line + 1)}

    def __str__(self) -> str:
        """Name the place as editors do."""
        return f"{self.path.name}:{self.first_line} {self.method}"


def call_sites() -> Iterator[CallSite]:
    """Yield all of them in what runs on AWS."""
    for path in _PACKAGE.rglob("*.py"):
        if path.relative_to(_PACKAGE).parts[0] not in _ELSEWHERE:
            yield from _sites_in(path)
    for path in (TEMPLATE.parent / "functions").glob("*/app.py"):
        yield from _sites_in(path)


def _sites_in(path: Path) -> Iterator[CallSite]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            target = node.func.value
            name = target.attr if isinstance(target, ast.Attribute) else ""
            if name in _PORTS or name in _ADAPTERS:
                last = node.end_lineno or node.lineno
                yield CallSite(path, node.lineno, last, f"{name.lstrip('_')}.{node.func.attr}")
