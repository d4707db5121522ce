"""Where a reference leads after a job, from where it leads before.

Instances are looked up by SOPInstanceUID alone: it is unique, and what else a reference says of the
series and study follows from it (PS3.3 10.8 and C.17.2.1).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple, Protocol

from dicomorph.dicom.engine.edit_plan import Action, EditPlan
from dicomorph.dicom.engine.identity_mapper import IdentityMapper, Namespace
from dicomorph.dicom.engine.moved_instances import Place
from dicomorph.dicom.standard.tags import SERIES_INSTANCE_UID, SOP_INSTANCE_UID, STUDY_INSTANCE_UID
from dicomorph.dicom.stream.elements import IMPLICIT_LITTLE
from dicomorph.dicom.text.charsets import CharacterSet

_ASCII = CharacterSet.of(b"", default_encoding="Ascii")
_HEADER_BYTES = 8
_UIDS = (STUDY_INSTANCE_UID, SERIES_INSTANCE_UID, SOP_INSTANCE_UID)
_REMEMBERED = 10_000  # references; hostile files must not grow what is remembered without bound


class Destination(NamedTuple):
    """The identifiers that an instance has afterwards."""

    place: Place
    instance: str


class Destinations(Protocol):
    """What becomes of what references name; None for what stays where it is."""

    def of_instance(self, uid: str, stated: Place) -> Destination | None:
        """Return the new identifiers of an instance.

        Parameters
        ----------
        stated : Place
            The study and series that the reference names, as far as it does.
        """

    def of_series(self, uid: str, stated_study: str) -> Place | None:
        """Return the new identifiers of a series to which a reference leads as a whole."""

    def of_study(self, uid: str) -> str | None:
        """Return the new StudyInstanceUID of a study to which a reference leads as a whole."""


class Moved(Protocol):
    """Which instances get new identifiers together; see `MovedInstances`."""

    def place_of(self, uid: str, stated: Place) -> Place | None:
        """Return where an instance belongs, None if it is none of them."""

    def has_copy(self, uid: str, copy: int) -> bool:
        """Tell whether there are that many copies of an instance, counted from 0."""

    def place_of_series(self, uid: str, stated_study: str) -> Place | None:
        """Return the study and series of which an instance is among them."""

    def has_study(self, uid: str) -> bool:
        """Tell whether an instance of a study is among them."""


class Everything:
    """All instances there are (`Moved`): what becomes of one, becomes of any other that it refers to."""

    def place_of(self, uid: str, stated: Place) -> Place | None:  # noqa: ARG002 - see `Moved`
        """Return what the reference says."""
        return stated

    def has_copy(self, uid: str, copy: int) -> bool:  # noqa: ARG002
        """Tell that there is one of each."""
        return copy == 0

    def place_of_series(self, uid: str, stated_study: str) -> Place | None:
        """Return what the reference says."""
        return Place(stated_study, uid)

    def has_study(self, uid: str) -> bool:  # noqa: ARG002
        """Tell that it is."""
        return True


class NewIdentifiers:
    """The identifiers that the products of a plan have (`Destinations`).

    Parameters
    ----------
    plan : EditPlan
        Of the job: it maps, replaces or keeps each of the three identifiers.
    mapper_of : Callable[[int], IdentityMapper]
        The mapper for a copy, counted from 0.
    copy : int
        Which copy the file is that refers: it leads to the same copy of others, or else the first.
    moved : Callable[[], Moved]
        The instances of the job; asked for at the first reference.
    """

    def __init__(
        self,
        plan: EditPlan,
        mapper_of: Callable[[int], IdentityMapper],
        copy: int,
        moved: Callable[[], Moved],
    ) -> None:
        self._plan = plan
        self._mapper_of = functools.cache(mapper_of)
        self._copy = copy
        self._load = moved
        self._replacements: dict[int, str] = {}
        self._places: dict[Place, Place] = {}
        self._found: dict[tuple[str, Place], Destination | None] = {}
        self._actions = {tag: plan.root.rule(tag).action for tag in _UIDS}

    @functools.cached_property
    def _moved(self) -> Moved:
        return self._load()

    def of_instance(self, uid: str, stated: Place) -> Destination | None:
        """See `Destinations.of_instance`. Hierarchical references ask twice: for the place, and the UID."""
        key = uid, stated
        if key not in self._found:
            if len(self._found) >= _REMEMBERED:
                self._found.clear()
            self._found[key] = self._of_instance(uid, stated)
        return self._found[key]

    def _of_instance(self, uid: str, stated: Place) -> Destination | None:
        place = self._moved.place_of(uid, stated)
        if place is None:
            return None
        copy = self._copy if self._copy and self._moved.has_copy(uid, self._copy) else 0
        new = self._new(SOP_INSTANCE_UID, Namespace.INSTANCE, uid, copy)
        return Destination(self._new_place(place), new)

    def of_series(self, uid: str, stated_study: str) -> Place | None:
        """See `Destinations.of_series`: a series, any instance of which takes part."""
        place = self._moved.place_of_series(uid, stated_study)
        return None if place is None else self._new_place(place)

    def of_study(self, uid: str) -> str | None:
        """See `Destinations.of_study`: a study, any instance of which takes part."""
        if not self._moved.has_study(uid):
            return None
        return self._new(STUDY_INSTANCE_UID, Namespace.STUDY, uid)

    def _new_place(self, place: Place) -> Place:
        new = self._places.get(place)
        if new is None:
            if len(self._places) >= _REMEMBERED:
                self._places.clear()
            new = self._places[place] = self._renamed(place)
        return new

    def _renamed(self, place: Place) -> Place:
        return Place(
            self._new(STUDY_INSTANCE_UID, Namespace.STUDY, place.study),
            self._new(SERIES_INSTANCE_UID, Namespace.SERIES, place.series),
        )

    def _new(self, tag: int, namespace: Namespace, original: str, copy: int = 0) -> str:
        action = self._actions[tag]
        if not original:  # a reference that does not state where its instance belongs
            return ""
        if action is Action.MAP:
            return self._mapper_of(copy).uid(namespace, original)
        return (self._replacement(tag) if action is Action.REPLACE else "") or original

    def _replacement(self, tag: int) -> str:
        """Return what the plan writes in the place of every UID under a tag."""
        if tag not in self._replacements:
            element = self._plan.encoder.element(tag, self._plan.replace[tag], IMPLICIT_LITTLE, _ASCII)
            self._replacements[tag] = element[_HEADER_BYTES:].decode("ascii", "ignore").strip(" \0")
        return self._replacements[tag]


def renames(plan: EditPlan) -> bool:
    """Tell whether a plan gives new UIDs to instances, or to what they belong to."""
    return any(plan.root.rule(tag).action is not Action.KEEP for tag in _UIDS)
