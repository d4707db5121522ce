"""Patients, studies, series and instances as the index knows them (spec 1.1 to 1.4)."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from dicomorph.model.remarks import Remark

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
JsonStream: TypeAlias = "Json | Iterable[JsonStream] | Mapping[str, JsonStream]"
"""JSON in which any iterable that is no list stands for an array, and is gone through once."""


class Level(enum.Enum):
    """The four levels of the DICOM hierarchy; the value is Orthanc's ``Type``."""

    PATIENT = "Patient"
    STUDY = "Study"
    SERIES = "Series"
    INSTANCE = "Instance"

    @property
    def plural(self) -> str:
        """Return Orthanc's name for several, such as ``Studies``."""
        return _PLURALS[self]

    @property
    def path(self) -> str:
        """Return the prefix of the level's routes, such as ``studies``."""
        return self.plural.lower()

    @property
    def parent(self) -> Level | None:
        """Return the level above, None for a patient."""
        return _PARENTS[self]

    @property
    def child(self) -> Level | None:
        """Return the level below, None for an instance."""
        return _CHILDREN[self]

    @property
    def above(self) -> tuple[Level, ...]:
        """Return all levels above, the patient first."""
        return _ABOVE[self]


LEVELS = (Level.PATIENT, Level.STUDY, Level.SERIES, Level.INSTANCE)
_PLURALS = dict(zip(LEVELS, ("Patients", "Studies", "Series", "Instances"), strict=True))
_ABOVE = {level: LEVELS[:number] for number, level in enumerate(LEVELS)}
_PARENTS: dict[Level, Level | None] = dict(zip(LEVELS, (None, *LEVELS[:-1]), strict=True))
_CHILDREN: dict[Level, Level | None] = dict(zip(LEVELS, (*LEVELS[1:], None), strict=True))

PARENT_LEVELS = Level.INSTANCE.above
"""Those of resources that are there as long as there is something below them."""

LEVEL_NAMES = {name: level for level in LEVELS for name in (level.value.lower(), level.path)}
"""Levels as the ends of paths and the bodies of requests name them: ``study``, ``studies``."""


@dataclass(frozen=True, slots=True)
class Ancestry:
    """The Orthanc identifiers of an instance and of everything above it."""

    patient: str
    study: str
    series: str
    instance: str

    def at(self, level: Level) -> str:
        """Return the identifier at one level."""
        return (self.patient, self.study, self.series, self.instance)[LEVELS.index(level)]


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """One immutable version of a stored object.

    Parameters
    ----------
    key : str
        Unique for each version of an instance (``instances/<2 hex>/<Orthanc id>/<version>.dcm``).
    version : str
        The store's own version id (S3 ``VersionId``); empty where the store has none.
    size : int
        In bytes.
    crc32 : int, optional
        The CRC-32 of the bytes as they were stored (ISO-HDLC, as in zlib and S3). None where nobody
        has recorded it: earlier versions did not. It tells objects apart as little as the size does.
    fragments : tuple[int, int], optional
        Where the value of encapsulated pixel data begins, and where it ends behind its delimiter, as
        was found when the object was stored. Of large objects that are read over a network, and
        known nowhere else: who lacks it walks from fragment to fragment.
    """

    key: str
    version: str
    size: int
    crc32: int | None = field(default=None, compare=False)
    fragments: tuple[int, int] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class LevelFacts:
    """What an upload tells about one level: main tags, sequences among them, metadata.

    Parameters
    ----------
    main_tags : Mapping[str, str]
        ``gggg,eeee`` in lower-case hex to UTF-8 text; only tags that are present (spec 1.3).
    metadata : Mapping[str, str]
        Orthanc's metadata names to values (spec 1.4), without LastUpdate. ``MainDicomSequences``
        holds the sequences among the main tags as JSON text.
    patient_main_tags : Mapping[str, str]
        Of studies: the main tags of the patient, which a study repeats (spec 1.3).
    """

    main_tags: Mapping[str, str]
    metadata: Mapping[str, str] = field(default_factory=dict)
    patient_main_tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceEntry:
    """Everything the index keeps of a stored instance and of the parents it implies.

    ``facts`` of a parent level take effect only when that parent is created: values at
    parent levels are those of the first stored instance (spec 1.3). The exceptions are
    ``ModifiedFrom``/``AnonymizedFrom``, which are written at every store (spec 1.4).

    An entry that ``replaces`` an object is the outcome of editing that one in place: it is for
    an instance that still has it, not for one that was deleted or replaced meanwhile.

    The ``remarks``, the ``flags``, and why it is ``untranscoded``, are for the job that stores it: the index
    keeps none of them.
    """

    ancestry: Ancestry
    object: ObjectRef
    md5: str
    facts: Mapping[Level, LevelFacts]
    labels: Mapping[Level, frozenset[str]] = field(default_factory=dict)
    replaces: ObjectRef | None = None
    remarks: frozenset[Remark] = frozenset()
    flags: frozenset[str] = frozenset()
    untranscoded: str = ""


@dataclass(frozen=True, slots=True)
class MetadataValue:
    """A metadata with its revision: 0, and one more at each change that a client makes."""

    value: str
    revision: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One resource as read from the index, without its children.

    ``metadata`` includes LastUpdate above the instance level. ``object`` and ``md5`` are
    set for instances only. ``patient_main_tags`` is set for studies: the patient's tags as
    the study's first instance had them (spec, gotcha G56).
    """

    level: Level
    id: str
    parent: str | None
    main_tags: Mapping[str, str]
    metadata: Mapping[str, MetadataValue]
    labels: frozenset[str]
    patient_main_tags: Mapping[str, str] = field(default_factory=dict)
    object: ObjectRef | None = None
    md5: str = ""


@dataclass(frozen=True, slots=True)
class Pin:
    """One instance at one version: what a job works on, whatever happens to the entry."""

    ancestry: Ancestry
    object: ObjectRef


@dataclass(frozen=True, slots=True)
class Statistics:
    """Counts of resources and the bytes of all stored instances."""

    patients: int
    studies: int
    series: int
    instances: int
    disk_size: int
