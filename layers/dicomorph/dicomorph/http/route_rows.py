"""What a row of the table of routes says, and the routes that it stands for."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from dicomorph.model.resources import LEVELS, Level


class Permission(enum.Enum):
    """The kind of permission that a call belongs to; nothing asks for it yet.

    It goes by the most that a call may do, whatever its body says. No kind includes another one.
    """

    READ = "read"
    """Shows what is stored, or answers with an edited copy of it; stores nothing. Some are POST."""

    WRITE = "write"
    """Adds to what is stored, writes metadata and labels, stops jobs and lets them go on. An upload
    is one, though the setting ``OverwriteInstances`` lets it replace an instance."""

    DELETE = "delete"
    """Takes away what is stored, or may: every DELETE, and every route that submits a job, since
    ``KeepSource: false`` deletes the sources. Splitting and merging do so unless told otherwise.
    Whoever enforces kinds may look into the body, and be content with WRITE where sources stay."""

    ADMINISTER = "administer"
    """Changes what holds for all callers."""


class Row(NamedTuple):
    """A route, or the same route at several levels.

    Parameters
    ----------
    method : str
        In upper case.
    path : str
        With parameters in braces. ``{level}`` stands for the paths of all levels, ``{upper}`` for
        those above instances; ``{below}`` and ``{above}`` for the relatives that each level has.
    function : str
        The folder in ``functions/``.
    permission : Permission
        The kind that a call belongs to.
    summary : str
        What the route does, in one line.
    body : str
        The schema of the JSON that it takes, by its name in ``tools/openapi_components``, or a
        media type; empty if it takes no body.
    query : tuple[str, ...]
        The arguments behind the path's question mark, by their names in ``tools/openapi_components``.
    answers : tuple[str | int, ...]
        The forms of a 200: schemas, of which ``{Level}``, ``{Below}`` and ``{Above}`` may be part,
        ``Name[]`` for a list; media types; `EMPTY`. Then the statuses of answers with a form of
        their own: redirections, and errors with an empty body or with a header to follow.
    remark : str
        What differs from Orthanc's route, for docs/compatibility.md.
    """

    method: str
    path: str
    function: str
    permission: Permission
    summary: str
    body: str = ""
    query: tuple[str, ...] = ()
    answers: tuple[str | int, ...] = ()
    remark: str = ""


EMPTY = ""
"""A 200 without a body."""


def routes_of(row: Row) -> Iterator[Row]:
    """Yield a row for each route that a row stands for: itself, unless its path names levels."""
    if "{level}" not in row.path and "{upper}" not in row.path:
        yield row
        return
    for place, level in enumerate(LEVELS if "{level}" in row.path else LEVELS[:-1]):
        at_level = {"{level}": level.path, "{upper}": level.path, "{Level}": level.value}
        if "{below}" in row.path:
            for below in LEVELS[place + 1 :]:
                yield _filled(row, {**at_level, "{below}": below.path, "{Below}": below.value})
        elif "{above}" in row.path:
            for above in LEVELS[:place]:
                yield _filled(row, {**at_level, "{above}": _name(above), "{Above}": above.value})
        else:
            yield _filled(row, at_level)


def _name(level: Level) -> str:
    return level.value.lower()


def _filled(row: Row, values: Mapping[str, str]) -> Row:
    def fill(text: str) -> str:
        for name, value in values.items():
            text = text.replace(name, value)
        return text

    answers = (fill(answer) if isinstance(answer, str) else answer for answer in row.answers)
    return row._replace(path=fill(row.path), answers=tuple(answers))
