"""Write the list of routes in docs/compatibility.md from the table of routes.

Run it when a route changes:  make generated
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from dicomorph.http.routes import TABLE
from tools.marked_parts import replace_part, rewrite

PAGE = Path(__file__).parent.parent / "docs" / "compatibility.md"


class _Line(NamedTuple):
    """A path of the table with what the page says of it."""

    path: str
    methods: str
    remarks: str


def route_list() -> str:
    """Return the list: a line for each path, or for neighbours that have the same methods and remarks."""
    text = "| route | methods | remarks |\n|---|---|---|\n"
    for (methods, remarks), lines in groupby(_lines(), key=lambda line: (line.methods, line.remarks)):
        paths = ", ".join(f"`{line.path}`" for line in lines)
        text += f"| {paths} | {methods} | {remarks + ' ' if remarks else ''}|\n"
    return text


def written(text: str) -> str:
    """Return the page with the list as it should be."""
    return replace_part(text, "routes", f"\n{route_list()}\n")


def main() -> None:
    """Write the page."""
    rewrite(PAGE, written(PAGE.read_text(encoding="utf-8")))


def _lines() -> list[_Line]:
    rows = [row for topic in TABLE.values() for row in topic]
    lines = []
    for path in dict.fromkeys(row.path for row in rows):
        same = [row for row in rows if row.path == path]
        remarks = dict.fromkeys(row.remark for row in same if row.remark)
        lines.append(_Line(path, ", ".join(row.method for row in same), "; ".join(remarks)))
    return lines


if __name__ == "__main__":
    main()
