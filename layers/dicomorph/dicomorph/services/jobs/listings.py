"""Writing and reading what the content of a job lists, of which a piece is in memory at a time."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import chain, islice

from dicomorph.jobs.listings import (
    PIECE_ENTRIES,
    InPieces,
    encode_listing,
    encode_piece,
    listing_key,
    piece_key,
    read_piece,
)
from dicomorph.jobs.listings import read_listing as decode_listing
from dicomorph.jobs.model import Job
from dicomorph.model.resources import Json, ObjectRef
from dicomorph.services.backend import Backend


class ListInPieces(Collection[Json]):
    """A list whose pieces are read while somebody goes through it.

    What a power cut has taken is left out.
    """

    def __init__(self, backend: Backend, job: Job, name: str, found: InPieces) -> None:
        self._backend = backend
        self._job = job
        self._name = name
        self._found = found

    def __len__(self) -> int:
        return self._found.entries

    def __iter__(self) -> Iterator[Json]:
        for document in self._backend.side_by_side(self._piece, range(self._found.pieces)):
            yield from read_piece(document) or ()

    def __contains__(self, entry: object) -> bool:
        return any(entry == one for one in self)

    def _piece(self, number: int) -> bytes | None:
        return self._backend.objects.get(piece_key(self._job, self._name, number))


def read_listing(backend: Backend, job: Job) -> Mapping[str, Collection[Json]]:
    """Return what the content of a job lists, nothing if a power cut has taken it."""
    lists = decode_listing(backend.objects.get(listing_key(job))) or {}
    return {
        name: ListInPieces(backend, job, name, found) if isinstance(found, InPieces) else found
        for name, found in lists.items()
    }


def write_listing(
    backend: Backend,
    job: Job,
    listing: Mapping[str, Iterable[Json]],
    *,
    before: Callable[[], object] = lambda: None,
) -> list[ObjectRef]:
    """Write what the content of a job lists, and return the documents: the last one makes it whole.

    Parameters
    ----------
    before : Callable[[], object]
        Called before each document is written; what it raises ends the writing.
    """
    written: list[ObjectRef] = []

    def write(key: str, document: bytes) -> None:
        before()
        written.append(backend.objects.put(key, document))

    lists: dict[str, list[Json] | InPieces] = {}
    for name, entries in listing.items():
        rest = iter(entries)
        first = list(islice(rest, PIECE_ENTRIES))
        following = list(islice(rest, 1))
        if not following:
            lists[name] = first
            continue
        total = pieces = 0
        rest = chain(first, following, rest)
        while piece := list(islice(rest, PIECE_ENTRIES)):
            write(piece_key(job, name, pieces), encode_piece(piece))
            total, pieces = total + len(piece), pieces + 1
        lists[name] = InPieces(total, pieces)
    write(listing_key(job), encode_listing(lists))
    return written
