"""Failures told without what they held: the message of an exception may quote a value."""

from __future__ import annotations

import traceback

_MOST_CAUSES = 5


def causes(error: BaseException | None) -> list[str]:
    """Return the types and places of an exception and of what led to it, the last one first."""
    found: list[str] = []
    while error is not None and len(found) < _MOST_CAUSES:
        found.append(f"{type(error).__name__} at {_place(error)}")
        error = error.__cause__ or error.__context__
    return found


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{_module_path(frames[-1].filename)}:{frames[-1].lineno}" if frames else "?"


def _module_path(file_name: str) -> str:
    return "/".join(file_name.replace("\\", "/").split("/")[-2:])
