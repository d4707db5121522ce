"""The record of a job, the pieces its work is cut into, and their outcomes."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from dicomorph.model.remarks import Remark
from dicomorph.model.resources import Json, Level, ObjectRef, Pin


class JobState(enum.Enum):
    """Orthanc's states of a job (spec 5), without Retry: tasks are tried again while a job runs.

    A cancelled job is a failure with error code 37.
    """

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCESS = "Success"
    FAILURE = "Failure"
    PAUSED = "Paused"

    @property
    def is_final(self) -> bool:
        """Tell whether nothing of the job will run any more."""
        return self in (JobState.SUCCESS, JobState.FAILURE)

    @property
    def is_active(self) -> bool:
        """Tell whether the job runs, or will without being asked to."""
        return not self.is_final and self is not JobState.PAUSED


class JobType(enum.Enum):
    """Orthanc's types of jobs, as far as there are any here."""

    RESOURCE_MODIFICATION = "ResourceModification"
    SPLIT_STUDY = "SplitStudy"
    MERGE_STUDY = "MergeStudy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The record of a job: what was asked, decided once at submission, and how it stands.

    Parameters
    ----------
    id : str
        A UUID.
    key : bytes
        The secret from which new UIDs and PatientIDs derive (32 bytes). Never leaves the
        record.
    level : Level
        The level of the route.
    is_bulk : bool
        Whether the result is a list of resources, not one. The list may be long: it is in a
        document (`jobs.listings`), not in the record.
    name : str
        The ``Anonymized<N>`` of this request; empty where none is needed.
    default_encoding : str
        The server's encoding at submission.
    content : Mapping[str, Json]
        Orthanc's ``Content``: the initial one, then the one of `FinalizeJob`.
    has_user_data : bool
        Whether the caller's own data are in a document (`documents.user_data_key`).
    user_data : Json
        Those of a job of an earlier version, which kept them here.
    follows_references : bool
        Whether references to what gets new identifiers in a modification follow (setting
        ``ModifiedReferences`` at submission).
    transcodes : bool
        Whether products are converted into another transfer syntax, which takes its time.
    target : str
        Where the products go: the name of one of the operator's targets, empty for the store.
    caller : str
        Who submitted the job, as far as the gateway tells; empty if it does not.
    plan : str
        Names the plan that all executions work on; empty until one is complete.
    batches : int
        How many the plan has.
    attempt : int
        Grows when a failed job is submitted again. Outcomes belong to one attempt.
    execution : int
        Grows whenever the job is started again, after a pause as well. A task of the workflow
        belongs to one execution; those of earlier ones decide nothing.
    is_ending : bool
        Whether the finalization begins to remove what cannot be brought back, from which on
        nobody stops the job.
    listing : int
        The execution that ended the job and whose listing counts; 0 for the listing of the
        submission, and for a job that has none (any more).
    queued : str
        When this execution was asked for; empty for the first one, which is as old as the job.
    runtime : float
        Seconds for which earlier executions of this attempt ran.
    is_forgotten : bool
        Whether the job is being deleted: nobody sees it any more, and nothing takes it up again.
    revision : int
        Grows by one at each update; updates are conditional on it.
    created, started, completed : str
        UTC, ISO 8601 with microseconds, empty where it has not happened. A job that was paused
        has not started until it runs again.
    """

    id: str
    type: JobType
    is_anonymization: bool
    level: Level
    key: bytes
    created: str
    is_bulk: bool = False
    name: str = ""
    default_encoding: str = "Latin1"
    keep_source: bool = True
    permissive: bool = False
    priority: int = 0
    user_data: Json = None
    state: JobState = JobState.PENDING
    started: str = ""
    completed: str = ""
    error_code: int = 0
    error_details: str = ""
    content: Mapping[str, Json] = field(default_factory=dict)
    follows_references: bool = False
    transcodes: bool = False
    target: str = ""
    caller: str = ""
    plan: str = ""
    batches: int = 0
    attempt: int = 1
    execution: int = 1
    is_ending: bool = False
    listing: int = 0
    queued: str = ""
    runtime: float = 0.0
    is_forgotten: bool = False
    has_user_data: bool = False
    revision: int = 0

    @property
    def has_listing(self) -> bool:
        """Whether a part of the content that grows with the job is in a document of its own.

        A job that failed has one for the products that it left, if there are any.
        """
        return self.is_bulk or bool(self.target) or self.listing > 0


@dataclass(frozen=True, slots=True)
class Batch:
    """Some instances of a job, edited by one invocation of a worker.

    ``copies`` tells, by index, which copy is to be made of a source that was asked for several
    times; those absent are the first ones.
    """

    number: int
    pins: tuple[Pin, ...]
    copies: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InstanceOutcome:
    """What became of one instance of a job.

    Exactly one of ``product`` and ``error_code`` says so; the code is Orthanc's.
    ``details`` never holds an attribute value; ``remarks`` and ``flags`` are about the product, and so is
    ``untranscoded``: why it could not be converted into the transfer syntax that was asked for.
    ``refused`` is the reason (`model.reasons.Reason`, or one of another version) of an instance that has
    no product since it cannot be made safe, which is no failure of the job.
    """

    source: Pin
    product: Pin | None = None
    error_code: int = 0
    details: str = ""
    remarks: frozenset[Remark] = frozenset()
    untranscoded: str = ""
    flags: frozenset[str] = frozenset()
    refused: str = ""


@dataclass(frozen=True, slots=True)
class BatchOutcome:
    """The one record that a batch leaves; writing it twice writes the same.

    ``superseded`` are the versions that its products replaced: workers delete nothing.
    """

    number: int
    instances: tuple[InstanceOutcome, ...]
    superseded: tuple[ObjectRef, ...] = ()
