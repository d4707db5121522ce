"""Which batches of a job go through a map next, and where that stands: small numbers, for the state machine.

A plan is gone through in passes: the brief batches as Express items, then the others as Standard
ones, then all that have no outcome, again and again. They have not failed: they never got a worker,
because none was free, or a store was away. The passes end when nothing is left, or several in a row
have led to nothing. A pass is cut into several maps, so that the workers are shared out anew among
the jobs that there are by then.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from dicomorph.jobs.model import Job
from dicomorph.model.object_keys import job_prefix

BRIEF, LONG = 1, 2
"""The first two passes."""

MOST_FRUITLESS = 6
"""So many passes in a row may lead to nothing, with waits of a quarter of an hour between them."""

_MOST_PASSES = 100
_FIRST_WAIT = 20  # seconds, doubled each time
_LONGEST_WAIT = 300

_BATCHES_A_WORKER = 20  # a map takes a minute or two
_MOST_ITEMS = 100_000  # of a map: it collects two characters of each, of which a state holds 256 KiB
_MOST_MAPS = 400  # a pass has; each leaves some fifteen events, and an execution may have 25,000


@dataclass(frozen=True, slots=True, kw_only=True)
class EditCursor:
    """Where the editing of a job stands.

    Parameters
    ----------
    number : int
        Of the pass.
    batch : int
        The first one that this pass has not looked at.
    maps : int
        How many there have been in this execution; each has a document of its own.
    left : int
        How many batches had no outcome when the pass began.
    fruitless : int
        How many passes in a row have led to nothing.
    """

    number: int = BRIEF
    batch: int = 0
    maps: int = 0
    left: int = 0
    fruitless: int = 0

    @property
    def is_brief(self) -> bool:
        """Whether the items of this pass are Express executions, which end after five minutes."""
        return self.number == BRIEF

    @property
    def is_again(self) -> bool:
        """Whether the batches of this pass were given to workers before."""
        return is_again(self.number)

    def to_json(self) -> dict[str, int]:
        """Return it as the state holds it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Items:
    """What a map is to go through, and where the editing goes on after it."""

    batches: Sequence[int]
    after: EditCursor


def is_again(number: int) -> bool:
    """Tell whether the batches of a pass were given to workers before."""
    return number > LONG


def read_edit_cursor(document: Mapping[str, Any]) -> EditCursor:
    """Return a cursor from the state; nothing in it is the beginning."""
    names = EditCursor.__dataclass_fields__
    return EditCursor(**{name: int(document[name]) for name in names if name in document})


def next_items(
    cursor: EditCursor, left: Iterable[int], is_brief: Sequence[bool], *, workers: int
) -> Items | None:
    """Return the items of the next map of a pass; None if the pass is over.

    Parameters
    ----------
    left : Iterable[int]
        The numbers of the batches without an outcome, ascending.
    is_brief : Sequence[bool]
        Of each batch (`planning.is_brief`).
    """
    wanted = [number for number in left if number >= cursor.batch and _is_due(cursor, is_brief[number])]
    most = max(min(workers * _BATCHES_A_WORKER, _MOST_ITEMS), -(-len(is_brief) // _MOST_MAPS))
    if not wanted:
        return None
    some = wanted[:most]
    return Items(some, replace(cursor, batch=some[-1] + 1, maps=cursor.maps + 1))


def _is_due(cursor: EditCursor, is_brief: bool) -> bool:  # noqa: FBT001 - a property of a batch
    return cursor.is_again or is_brief == cursor.is_brief


def next_pass(cursor: EditCursor, left: int) -> EditCursor | None:
    """Return the beginning of the next pass; None if there is to be none."""
    if not left or cursor.number >= _MOST_PASSES:
        return None
    if cursor.number < LONG:
        return replace(cursor, number=LONG, batch=0, left=left)
    is_fruitless = cursor.is_again and left >= cursor.left
    fruitless = cursor.fruitless + 1 if is_fruitless else 0
    if fruitless == MOST_FRUITLESS:
        return None
    return replace(cursor, number=cursor.number + 1, batch=0, left=left, fruitless=fruitless)


def seconds_before(cursor: EditCursor) -> int:
    """Return how long to wait before a pass; none of the first two is waited for."""
    return min(_FIRST_WAIT << cursor.fruitless, _LONGEST_WAIT) if cursor.is_again else 0


def items_name(job: Job, cursor: EditCursor) -> str:
    """Return what the state machine calls the items of the map that a cursor has counted last."""
    return f"{job.plan}/{job.execution}-{cursor.maps}"


def items_key(job: Job, cursor: EditCursor) -> str:
    """Return the key of their document."""
    return f"{job_prefix(job.id)}manifests/{items_name(job, cursor)}.json"


def encode_items(job: Job, items: Items, sizes: Sequence[int]) -> bytes:
    """Return the document: for each item a job id, the number of a batch, its size and the pass."""
    return json.dumps(
        [
            {"job": job.id, "batch": number, "instances": sizes[number], "pass": items.after.number}
            for number in items.batches
        ],
        separators=(",", ":"),
    ).encode("ascii")
