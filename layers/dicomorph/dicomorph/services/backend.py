"""What every use case is given: the ports, the settings, a clock and a source of tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from dicomorph.index.base import Index
from dicomorph.jobs.base import JobRecords, JobRunner
from dicomorph.jobs.planning import PlannerLimits
from dicomorph.model.settings import Settings
from dicomorph.storage.base import ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """The ports of one deployment.

    Parameters
    ----------
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
