"""The lists in a job's content that grow with it, as documents of JSON: one, and pieces of long lists.

::

    jobs/<job id>/listing.json, ends/<execution>.json                    all lists, by their names
    jobs/<job id>/listing/<name>/<nnnnnn>.json, ends/<execution>/<…>     a piece of a list
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from dicomorph.jobs.model import Job
from dicomorph.jobs.strict_json import count, only, read
from dicomorph.model.object_keys import job_prefix
from dicomorph.model.resources import Json

PIECE_ENTRIES = 5_000
"""Of a piece: about 700 KB."""


class InPieces(NamedTuple):
    """A list that is not in the document itself.

    Parameters
    ----------
    entries, pieces : int
        How many it has, and in how many pieces they lie.
    """

    entries: int
    pieces: int


Lists: TypeAlias = Mapping[str, Sequence[Json] | InPieces]


def listing_key(job: Job) -> str:
    """Return the key of the document, for which a record has no room."""
    return f"{_stem(job)}.json"


def piece_key(job: Job, name: str, number: int) -> str:
    """Return the key of a piece of a list, by its number from 0."""
    return f"{_stem(job)}/{name}/{number:06}.json"


def encode_listing(lists: Lists) -> bytes:
    """Return the document of some lists."""
    return _dump(
        {
            name: {"Entries": found.entries, "Pieces": found.pieces} if isinstance(found, InPieces) else found
            for name, found in lists.items()
        }
    )


def read_listing(document: bytes | None) -> Lists | None:
    """Return those lists from their document, None if there is none."""
    return read(
        document, lambda lists: {name: _decode_list(found) for name, found in only(dict, lists).items()}
    )


def encode_piece(entries: Sequence[Json]) -> bytes:
    """Return the document of a piece."""
    return _dump(entries)


def read_piece(document: bytes | None) -> list[Json] | None:
    """Return the entries of a piece from its document, None if there is none."""
    return read(document, lambda entries: only(list, entries))


def _stem(job: Job) -> str:
    return f"{job_prefix(job.id)}{f'ends/{job.listing}' if job.listing else 'listing'}"


def _decode_list(found: Any) -> list[Json] | InPieces:
    if isinstance(found, dict):
        return InPieces(count(found["Entries"]), count(found["Pieces"]))
    return only(list, found)


def _dump(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
