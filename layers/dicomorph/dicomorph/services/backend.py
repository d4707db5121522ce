"""What every use case is given: the ports, the settings, a clock and a source of tokens."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from dicomorph.jobs.concurrency import Capacity
from dicomorph.jobs.planning import PlannerLimits
from dicomorph.model.settings import Settings
from dicomorph.ports.index import Index
from dicomorph.ports.jobs import JobRecords, JobRunner
from dicomorph.ports.objects import ObjectStore
from dicomorph.ports.trail import AccessTrail
from dicomorph.ports.uploads import UploadDoor, UploadRecords

_Argument = TypeVar("_Argument")
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class Target:
    """A place outside the store where products may go; nothing there is read.

    Parameters
    ----------
    store : ObjectStore
        Writes there.
    prefix : str
        What the keys start with.
    """

    store: ObjectStore
    prefix: str = ""


@dataclass(frozen=True, slots=True)
class Uploads:
    """What uploads that go past the API need: their records, and where clients send them."""

    records: UploadRecords
    door: UploadDoor


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """The ports of one deployment.

    Parameters
    ----------
    targets : Mapping[str, Target]
        By the names that the operator gave them.
    largest_answer : int
        Bytes of a DICOM file that an answer carries; a larger one is answered by a link to it.
        As it stands, what fits through Lambda: it takes 6 MB, of which base64 costs a third.
    in_turn : AbstractContextManager[object]
        Held while a file is worked on that takes much memory: it has hundreds of thousands of
        elements, and they are out of order, or are edited. Others wait, so that eight take what one does.
    documents_at_once : int
        How many documents are worth asking the store for at once: one, where they are files.
    capacity : Callable[[], Capacity]
        How many workers there can be at a time, where the workflow has to be told (AWS).
    hosts : frozenset[str], optional
        The names by which requests may call this deployment, in lower case. None: whoever stands
        in front of it sees to that.
    trail : AccessTrail, optional
        Where it is written who did what, if it is to be.
    read_list : Callable[[str], bytes | None]
        Reads the file of an allow list: by its path, on AWS by its key in the bucket of the stack.
    now : Callable[[], datetime]
        The time in UTC.
    new_token : Callable[[int], bytes]
        Unpredictable bytes, such as `secrets.token_bytes`.
    """

    objects: ObjectStore
    index: Index
    jobs: JobRecords
    runner: JobRunner
    uploads: Uploads
    settings: Settings
    planner_limits: PlannerLimits
    now: Callable[[], datetime]
    new_token: Callable[[int], bytes]
    targets: Mapping[str, Target] = field(default_factory=dict)
    largest_answer: int = 4 << 20
    in_turn: AbstractContextManager[object] = field(default_factory=threading.BoundedSemaphore)
    documents_at_once: int = 1
    capacity: Callable[[], Capacity] = lambda: Capacity(workers=1, of_one_job=1)
    hosts: frozenset[str] | None = None
    trail: AccessTrail | None = None
    read_list: Callable[[str], bytes | None] = lambda _: None

    def side_by_side(
        self, function: Callable[[_Argument], _Answer], arguments: Iterable[_Argument]
    ) -> Iterator[_Answer]:
        """Yield what a function answers to each argument, in their order; several calls are under way.

        No more arguments are taken, and no more answers kept, than twice as many as are under way
        (`documents_at_once`). What a call raises is raised in its turn.
        """
        if self.documents_at_once <= 1:
            yield from map(function, arguments)
            return
        with ThreadPoolExecutor(self.documents_at_once, "documents") as threads:
            waiting: deque[Future[_Answer]] = deque()
            for argument in arguments:
                waiting.append(threads.submit(function, argument))
                if len(waiting) == 2 * self.documents_at_once:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()


def utc_now() -> datetime:
    """Return the time in UTC: the clock of every deployment."""
    return datetime.now(UTC)
