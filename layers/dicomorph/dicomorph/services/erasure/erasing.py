"""Deleting where nothing remembers what has lost its entry: written down first, then carried out.

Instances go that still are at the version that they had when the call came; what is uploaded
meanwhile stays, under the same identifier too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import groupby, islice

from dicomorph.model.errors import UnknownResourceError
from dicomorph.model.identifiers import is_orthanc_id
from dicomorph.model.resources import LEVELS, Ancestry, Level, Pin
from dicomorph.services.backend import Backend
from dicomorph.services.erasure.deadline import Deadline
from dicomorph.services.erasure.discarding import discard_removed
from dicomorph.services.erasure.records import (
    Erasure,
    Head,
    Named,
    erasures_at,
    forget,
    place_of,
    place_of_many,
    read_chunk,
    read_head,
    write_down,
)

_SERIES_AT_ONCE = 20  # each takes a few dozen calls of the index: a step lasts a second or two
_NAMED_AT_ONCE = 1_000


def erase_resource(backend: Backend, level: Level, resource_id: str, deadline: Deadline) -> Named | None:
    """Delete a resource, and what an earlier call has left of it; return the lowest ancestor that remains.

    Raises
    ------
    UnknownResourceError
        If it does not exist at this level, and no deletion of it is under way.
    TimeLimitError
        If there is not enough time. A repeated call goes on, and `finish_erasures` does.
    """
    if not is_orthanc_id(resource_id):
        raise UnknownResourceError
    place = place_of(level, resource_id)
    ancestry = _take_up(backend, place, deadline)
    pins = backend.index.catalogue.pins(level, resource_id)
    above = [] if level is Level.INSTANCE else [(level, resource_id)]
    written = write_down(backend, place, above, pins, deadline)
    if written is not None:
        carry_out(backend, *written, deadline)
        ancestry = written[1].pins[0].ancestry
    if ancestry is None:
        return _remove_what_is_empty(backend, level, resource_id)
    return _lowest_above(backend, level, ancestry)


def erase_resources(backend: Backend, named: Sequence[tuple[Level | None, str]], deadline: Deadline) -> None:
    """Delete resources, whatever their levels; those that do not exist at the level named are ignored.

    Raises
    ------
    TimeLimitError
        As in `erase_resource`.
    """
    place = place_of_many(named)
    _take_up(backend, place, deadline)
    existing = _existing(backend, named)
    above = [one for one in existing if one[0] is not Level.INSTANCE]
    # By series: what is left above one is asked once, however many of its instances are named.
    pins = sorted(_pins_below(backend, existing, deadline), key=_place_in_hierarchy)
    written = write_down(backend, place, above, pins, deadline)
    if written is None:
        _tidy(backend, above)
    else:
        carry_out(backend, *written, deadline)


def carry_out(backend: Backend, erasure: Erasure, head: Head, deadline: Deadline) -> None:
    """Erase what is written down, from wherever it was left.

    Raises
    ------
    TimeLimitError
        If there is not enough time; what is left to do stays written down.
    """
    for key in erasure.chunks:
        pins = read_chunk(backend.objects, key)
        if pins is not None:
            _erase(backend, pins, deadline)
            forget(backend.objects, [key])
    _erase(backend, head.pins, deadline)
    _tidy(backend, head.resources)
    forget(backend.objects, [erasure.head])


def _take_up(backend: Backend, place: str, deadline: Deadline) -> Ancestry | None:
    """Finish what earlier calls have begun at a place; return where in the hierarchy that was."""
    ancestry = None
    for erasure in erasures_at(backend.objects, place):
        if erasure.is_begun and (head := read_head(backend.objects, erasure)) is not None:
            carry_out(backend, erasure, head, deadline)
            ancestry = head.pins[0].ancestry
    return ancestry


def _erase(backend: Backend, pins: Iterable[Pin], deadline: Deadline) -> None:
    """Delete entries, then their objects; a part of a step each, if there are many series."""
    by_series = groupby(pins, key=lambda pin: pin.ancestry.series)
    groups = (list(group) for _, group in by_series)
    while some := [pin for group in islice(groups, _SERIES_AT_ONCE) for pin in group]:
        deadline.check()
        # Exactly: an order may be carried out minutes later, and a job have made a product again.
        backend.index.eraser.remove_instances(some, exactly=True)
        discard_removed(backend, [pin.object for pin in some])


def _tidy(backend: Backend, named: Iterable[Named]) -> None:
    """Take away resources that hold no instance: uploads that did not come to their end left them."""
    for level, found in _by_level(named):
        ids = [resource_id for _, resource_id in found]
        for left in backend.index.catalogue.get_many(level, ids):
            if next(backend.index.catalogue.pins(level, left.id), None) is None:
                with suppress(UnknownResourceError):  # went with another one
                    _remove_what_is_empty(backend, level, left.id)


def _remove_what_is_empty(backend: Backend, level: Level, resource_id: str) -> Named | None:
    removal = backend.index.eraser.remove(level, resource_id)
    discard_removed(backend, removal.objects)  # of an upload that ended in this moment
    return removal.remaining


def _lowest_above(backend: Backend, level: Level, ancestry: Ancestry) -> Named | None:
    for above in reversed(level.above):
        if backend.index.catalogue.get(above, ancestry.at(above)) is not None:
            return above, ancestry.at(above)
    return None


def _existing(backend: Backend, named: Sequence[tuple[Level | None, str]]) -> list[Named]:
    """Return those that exist; of instances, all that are named as such: `_pins_below` tells."""
    catalogue = backend.index.catalogue
    anywhere = list(dict.fromkeys(resource_id for level, resource_id in named if level is None))
    found = [(resource.level, resource.id) for resource in catalogue.find_many(anywhere)]
    for level, some in _by_level((level, resource_id) for level, resource_id in named if level):
        ids = list(dict.fromkeys(resource_id for _, resource_id in some))
        if level is Level.INSTANCE:
            found += [(level, one) for one in ids]
        else:
            found += [(level, one.id) for one in catalogue.get_many(level, ids)]
    return list(dict.fromkeys(found))


def _pins_below(backend: Backend, existing: Iterable[Named], deadline: Deadline) -> set[Pin]:
    pins: set[Pin] = set()
    for level, found in _by_level(existing):
        ids = [resource_id for _, resource_id in found]
        if level is Level.INSTANCE:
            for start in range(0, len(ids), _NAMED_AT_ONCE):
                deadline.check()
                pins.update(backend.index.catalogue.pins_of(ids[start : start + _NAMED_AT_ONCE]))
        else:
            for one in ids:
                deadline.check()
                pins.update(backend.index.catalogue.pins(level, one))
    return pins


def _by_level(named: Iterable[Named]) -> Iterator[tuple[Level, list[Named]]]:
    sorted_by_level = sorted(named, key=lambda one: LEVELS.index(one[0]))
    return ((level, list(found)) for level, found in groupby(sorted_by_level, key=lambda one: one[0]))


def _place_in_hierarchy(pin: Pin) -> tuple[str, ...]:
    ancestry = pin.ancestry
    return ancestry.patient, ancestry.study, ancestry.series, ancestry.instance, pin.object.key
