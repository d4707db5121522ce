"""What every use case is given: the ports, the settings, a clock and a source of tokens."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from dicomorph.jobs.planning import PlannerLimits
from dicomorph.model.settings import Settings
from dicomorph.ports.index import Index
from dicomorph.ports.jobs import JobRecords, JobRunner
from dicomorph.ports.objects import ObjectStore


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
    hosts : frozenset[str], optional
        The names by which requests may call this deployment, in lower case. None: whoever stands
        in front of it sees to that.
    now : Callable[[], datetime]
        The time in UTC.
    new_token : Callable[[int], bytes]
        Unpredictable bytes, such as `secrets.token_bytes`.
    """

    objects: ObjectStore
    index: Index
    jobs: JobRecords
    runner: JobRunner
    settings: Settings
    planner_limits: PlannerLimits
    now: Callable[[], datetime]
    new_token: Callable[[int], bytes]
    targets: Mapping[str, Target] = field(default_factory=dict)
    largest_answer: int = 4 << 20
    in_turn: AbstractContextManager[object] = field(default_factory=threading.BoundedSemaphore)
    hosts: frozenset[str] | None = None


def utc_now() -> datetime:
    """Return the time in UTC: the clock of every deployment."""
    return datetime.now(UTC)
