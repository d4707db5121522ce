"""What became of a file that arrived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from dicomorph.model.resources import Json
from dicomorph.services.uploads.settle import MOST_LISTED


@dataclass(frozen=True, slots=True)
class Stored:
    """It is in the store, as it came; ``answer`` is that of Orthanc to an upload (spec 2.2)."""

    answer: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Produced:
    """What a rule makes of it is in the store, or in a target of the rule."""

    products: int = 1


@dataclass(frozen=True, slots=True)
class Rejected:
    """It was set aside.

    Parameters
    ----------
    code : int
        Orthanc's.
    details : str
        What is wrong, free of values and names.
    """

    code: int
    details: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an archive is worked off.

    Parameters
    ----------
    cursor : int
        The member to go on with, counted from 0.
    taken, rejected : int
        How many of those before it were stored or changed, and set aside.
    answers : tuple[Mapping[str, Json], ...]
        As in `Stored`, of as many members as senders are told of.
    """

    cursor: int = 0
    taken: int = 0
    rejected: int = 0
    answers: tuple[Mapping[str, Json], ...] = ()

    def with_one(self, member: Stored | Produced | Rejected) -> Progress:
        """Return the progress after one more member."""
        if isinstance(member, Rejected):
            return replace(self, rejected=self.rejected + 1)
        told = isinstance(member, Stored) and len(self.answers) < MOST_LISTED
        answers = (*self.answers, member.answer) if told and isinstance(member, Stored) else self.answers
        return replace(self, taken=self.taken + 1, answers=answers)

    def beyond(self, number: int) -> Progress:
        """Return the progress that goes on behind a member."""
        return replace(self, cursor=number + 1)


@dataclass(frozen=True, slots=True)
class Worked:
    """An archive is worked off; the progress is that of all of it."""

    progress: Progress


@dataclass(frozen=True, slots=True)
class Continued:
    """An archive is worked off in part; `take` is to be called again with this progress."""

    progress: Progress


@dataclass(frozen=True, slots=True)
class Gone:
    """It is not there any more: taken already, or taken back by whoever brought it."""


Taken: TypeAlias = Stored | Produced | Rejected | Worked | Continued | Gone
