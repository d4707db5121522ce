"""Replacing what stands between two marks of a file that is otherwise written by hand."""

from __future__ import annotations

import re
from pathlib import Path


def replace_part(text: str, mark: str, content: str) -> str:
    """Return a text with new content between the lines that hold ``<mark>: begin`` and ``<mark>: end``.

    Raises
    ------
    SystemExit
        If these lines are not there, once each and in this order.
    """
    begin, end = rf"^[^\n]*\b{mark}: begin\b[^\n]*\n", rf"^[^\n]*\b{mark}: end\b"
    found = re.findall(begin + "|" + end, text, re.MULTILINE)
    part = re.search(f"({begin})(.*?)({end})", text, re.MULTILINE | re.DOTALL)
    if part is None or len(found) != 2:  # noqa: PLR2004 - the two marks
        raise SystemExit(f"There have to be two lines with the marks '{mark}: begin' and '{mark}: end'")
    return text[: part.start(2)] + content + text[part.end(2) :]


def rewrite(path: Path, text: str) -> None:
    """Write a file if it changes, and say so."""
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
        print(f"Wrote {path.name}")
