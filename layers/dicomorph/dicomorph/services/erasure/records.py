"""What is about to be erased, written down before the first entry goes.

::

    erasures/<resource>/<time>-<token>/<nnnnnn>.json  the pins of a thousand instances
    erasures/<resource>/<time>-<token>/head.json      the last pins, or all if they are few; written last

Once the entries are gone, nothing else knows the objects: a call that dies in between would leave
them for ever. An erasure counts as begun when its head is there. What has been carried out, loses its
document, the head at last. So it may be taken up at any point, by several at once.

The time is that of the call, in UTC; all that a resource was erased by is found by one prefix.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, islice
from typing import Any

from dicomorph.jobs.pins import decode_pins, encode_pins
from dicomorph.jobs.strict_json import read
from dicomorph.model.errors import InternalError, TimeLimitError
from dicomorph.model.object_keys import ERASURES, SIBLING_BYTES
from dicomorph.model.resources import Level, ObjectRef, Pin
from dicomorph.ports.objects import ObjectStore
from dicomorph.services.backend import Backend
from dicomorph.services.deadline import Deadline

_PINS = 1_000  # in a document: 300 KB
_NOT_ALL = "There is more than one call can begin to delete: repeat it until it is answered otherwise"
_WRITTEN_AT_ONCE = 16
_TIME = "%Y%m%dT%H%M%SZ"
_KEY = re.compile(rf"({ERASURES}[^/]+/(\d{{8}}T\d{{6}}Z)-[0-9a-f]+/)(head|\d{{6,}})\.json")


@dataclass(frozen=True, slots=True)
class Erasure:
    """An erasure as the keys of its documents tell of it.

    Parameters
    ----------
    prefix : str
        What these keys start with.
    time : datetime
        When the call came that wrote it down.
    chunks : tuple[str, ...]
        The keys of those documents that hold nothing but pins.
    is_begun : bool
        Whether there is a head.
    """

    prefix: str
    time: datetime
    chunks: tuple[str, ...]
    is_begun: bool = True

    @property
    def head(self) -> str:
        """The key of the head."""
        return f"{self.prefix}head.json"


def place_of(level: Level, resource_id: str) -> str:
    """Return what the keys start with of all that was written down for a resource."""
    return f"{ERASURES}{level.value}-{resource_id}/"


def place_of_many(named: Iterable[tuple[Level | None, str]]) -> str:
    """Return the same for resources that are named together; their order does not matter."""
    names = sorted({(level.value if level else "", resource_id) for level, resource_id in named})
    digest = hashlib.sha256(json.dumps(names).encode("ascii")).hexdigest()
    return f"{ERASURES}Bulk-{digest}/"


def write_down(
    backend: Backend, place: str, pins: Iterable[Pin], deadline: Deadline
) -> tuple[Erasure, list[Pin]] | None:
    """Write down that instances are to be erased; return that with the pins of the head.

    None if there are none.

    Raises
    ------
    TimeLimitError
        If there is not enough time for all of it. What is written down by then has begun, so that
        of any number of instances repeated calls reach the end.
    """
    now = backend.now().astimezone(UTC).replace(microsecond=0)
    prefix = f"{place}{now:{_TIME}}-{backend.new_token(SIBLING_BYTES).hex()}/"
    waiting = iter(pins)
    last = list(islice(waiting, _PINS))
    if not last:
        return None
    chunks: list[str] = []
    is_late: TimeLimitError | None = None

    def documents() -> Iterator[tuple[str, bytes]]:
        nonlocal last, is_late
        while some := list(islice(waiting, _PINS)):
            try:
                deadline.check()
            except TimeLimitError as error:
                is_late = error
                return
            chunks.append(f"{prefix}{len(chunks):06}.json")
            yield chunks[-1], _dump(encode_pins(last))
            last = some

    _put_all(backend.objects, documents())
    erasure = Erasure(prefix, now, tuple(chunks))
    if is_late is not None and not chunks:
        raise is_late
    backend.objects.put(erasure.head, _dump({"pins": encode_pins(last)}))
    if is_late is not None:
        raise TimeLimitError(_NOT_ALL) from is_late
    return erasure, last


def erasures_at(objects: ObjectStore, place: str = ERASURES) -> Iterator[Erasure]:
    """Yield what is written down at a place, or everywhere."""
    matches = filter(None, map(_KEY.fullmatch, objects.keys(place)))
    for (prefix, time), some in groupby(matches, lambda match: match.group(1, 2)):
        found = list(some)
        chunks = tuple(match[0] for match in found if match[3] != "head")
        began = datetime.strptime(time, _TIME).replace(tzinfo=UTC)
        yield Erasure(prefix, began, chunks, is_begun=len(chunks) < len(found))


def read_head(objects: ObjectStore, erasure: Erasure) -> list[Pin] | None:
    """Return the pins of the head, one at least; None if it has gone: somebody else has carried it out."""
    return _read(objects, erasure.head, lambda document: decode_pins(document["pins"]))


def read_chunk(objects: ObjectStore, key: str) -> list[Pin] | None:
    """Return the pins of a document; None if it has gone, as the head."""
    return _read(objects, key, decode_pins)


def forget(objects: ObjectStore, keys: Iterable[str]) -> None:
    """Delete documents."""
    objects.discard([ObjectRef(key, "", 0) for key in keys], pinned=False)


def _put_all(objects: ObjectStore, documents: Iterable[tuple[str, bytes]]) -> None:
    """Write documents, several at a time, and never many of them in memory."""
    waiting: deque[Future[ObjectRef]] = deque()
    with ThreadPoolExecutor(_WRITTEN_AT_ONCE, "erasure") as threads:
        for key, document in documents:
            if len(waiting) > _WRITTEN_AT_ONCE:
                waiting.popleft().result()
            waiting.append(threads.submit(objects.put, key, document))
        for written in waiting:
            written.result()


def _read(objects: ObjectStore, key: str, decode: Callable[[Any], list[Pin]]) -> list[Pin] | None:
    document = objects.get(key)
    if document is None:
        return None
    pins = read(document, decode)
    if not pins:  # no order to forget it
        raise InternalError("A document of an erasure cannot be read")
    return pins


def _dump(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode("ascii")
