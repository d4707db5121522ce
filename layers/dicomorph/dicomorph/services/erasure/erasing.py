"""Deleting where nothing remembers what has lost its entry: written down first, then carried out.

Instances go that still are at the version that they had when the call came; what is uploaded
meanwhile stays, under the same identifier too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, groupby, islice

from dicomorph.model.errors import UnknownResourceError
from dicomorph.model.identifiers import is_orthanc_id
from dicomorph.model.resources import LEVELS, PARENT_LEVELS, Ancestry, Level, Pin
from dicomorph.services.backend import Backend
from dicomorph.services.deadline import Deadline
from dicomorph.services.erasure.discarding import discard_removed
from dicomorph.services.erasure.records import (
    Erasure,
    erasures_at,
    forget,
    place_of,
    place_of_many,
    read_chunk,
    read_head,
    write_down,
)

Named = tuple[Level, str]
"""A resource."""

_SERIES_AT_ONCE = 20  # each takes a few dozen calls of the index: a step lasts a second or two
_NAMED_AT_ONCE = 1_000
UNFINISHED = "Not all is deleted yet: the rest goes within minutes, or with the same call again"
"""What is said to a caller whose time was too short."""

_SORTED_AT_ONCE = 10_000  # found in a second or two, in which no time limit is looked at


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
    # Of what exists, there is an instance: the last one takes what is above it along.
    written = write_down(backend, place, backend.index.catalogue.pins(level, resource_id), deadline)
    if written is not None:
        carry_out(backend, *written, deadline)
        ancestry = written[1][0].ancestry
    if ancestry is None:
        raise UnknownResourceError
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
    pins = _by_place(_pins_below(backend, _by_level(backend, named)))
    written = write_down(backend, place, pins, deadline)
    if written is not None:
        carry_out(backend, *written, deadline)


def erase_instances(backend: Backend, instance_ids: Iterable[str]) -> None:
    """Delete instances, many at a time, where the outbox remembers what has lost its entry."""
    named: dict[Level, Iterable[str]] = {**dict.fromkeys(LEVELS, ()), Level.INSTANCE: instance_ids}
    _erase(backend, _by_place(_pins_below(backend, named)), Deadline(None, UNFINISHED))


def carry_out(backend: Backend, erasure: Erasure, head: Sequence[Pin], deadline: Deadline) -> None:
    """Erase what is written down, from wherever it was left.

    Parameters
    ----------
    head : Sequence[Pin]
        What its head holds.

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
    _erase(backend, head, deadline)
    forget(backend.objects, [erasure.head])


def _take_up(backend: Backend, place: str, deadline: Deadline) -> Ancestry | None:
    """Finish what earlier calls have begun at a place; return where in the hierarchy that was."""
    ancestry = None
    for erasure in erasures_at(backend.objects, place):
        if erasure.is_begun and (head := read_head(backend.objects, erasure)) is not None:
            carry_out(backend, erasure, head, deadline)
            ancestry = head[0].ancestry
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


def _lowest_above(backend: Backend, level: Level, ancestry: Ancestry) -> Named | None:
    for above in reversed(level.above):
        if backend.index.catalogue.get(above, ancestry.at(above)) is not None:
            return above, ancestry.at(above)
    return None


def _by_level(backend: Backend, named: Sequence[tuple[Level | None, str]]) -> dict[Level, dict[str, None]]:
    """Return the identifiers that are named, once each, by level; where none was named, it is looked up."""
    found: dict[Level, dict[str, None]] = {level: {} for level in LEVELS}
    anywhere = [resource_id for level, resource_id in named if level is None]
    for resource in backend.index.catalogue.find_many(anywhere):
        found[resource.level][resource.id] = None
    for level, resource_id in named:
        if level is not None:
            found[level][resource_id] = None
    return found


def _pins_below(backend: Backend, named: Mapping[Level, Iterable[str]]) -> Iterator[Pin]:
    """Yield the pins of all instances below some resources, once each."""
    catalogue = backend.index.catalogue
    met: set[str] = set()
    named_instances = iter(named[Level.INSTANCE])
    alone = iter(lambda: list(islice(named_instances, _NAMED_AT_ONCE)), [])
    parents = (catalogue.pins(level, one) for level in PARENT_LEVELS for one in named[level])
    for pin in chain.from_iterable(chain(map(catalogue.pins_of, alone), parents)):
        if pin.ancestry.instance not in met:
            met.add(pin.ancestry.instance)
            yield pin


def _by_place(pins: Iterator[Pin]) -> Iterator[Pin]:
    """Yield pins by series: what is left above one is asked once, however many of its instances are named."""
    while some := list(islice(pins, _SORTED_AT_ONCE)):
        yield from sorted(some, key=_place_in_hierarchy)


def _place_in_hierarchy(pin: Pin) -> tuple[str, ...]:
    ancestry = pin.ancestry
    return ancestry.patient, ancestry.study, ancestry.series, ancestry.instance, pin.object.key
