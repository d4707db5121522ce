"""Discarding the objects of entries that are gone from the index."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from dicomorph.model.errors import DicomorphError
from dicomorph.model.object_keys import is_any_product_key, product_of
from dicomorph.model.resources import ObjectRef
from dicomorph.ports.objects import ObjectStore
from dicomorph.services.backend import Backend
from dicomorph.services.erasure.pins import Pins, pins_of_living

_AT_ONCE = 1_000  # so that little time passes between the look at the index and the deletion


def discard_removed(backend: Backend, refs: Sequence[ObjectRef], *, job: str = "") -> None:
    """Discard objects whose entries were removed or replaced just now.

    Parameters
    ----------
    job : str
        The job whose end discards them; what it has pinned itself does not stay for it.
    """
    if not refs:
        return
    # Asked after the removal: a job submitted from here on cannot have pinned these objects.
    pins = pins_of_living(backend, but=job)
    for start in range(0, len(refs), _AT_ONCE):
        some = refs[start : start + _AT_ONCE]
        if pinned := pins.among(some):
            _set_aside(backend.objects, _without_those_back(backend, pinned))
        _erase(backend, some, pins)


def take_back(backend: Backend, ref: ObjectRef) -> None:
    """Discard the object of an upload that got no entry, as far as that is known for certain."""
    objects = backend.objects
    with suppress(DicomorphError):  # what went wrong first is the news
        objects.discard(backend.index.outbox.unclaimed([ref]), pinned=False)


def work_off(backend: Backend, *, starting: bool = False) -> None:
    """Erase what the outbox names and no job that lives has pinned.

    What a job kept until it ended goes then, and at a start what a crash or a power cut has left.

    Parameters
    ----------
    starting : bool
        Whether no job runs yet, whatever the records say.
    """
    after = ""
    while refs := backend.index.outbox.waiting(after=after, limit=_AT_ONCE):
        _erase(backend, refs, pins_of_living(backend, starting=starting))
        after = refs[-1].key


def _set_aside(objects: ObjectStore, refs: Sequence[ObjectRef]) -> None:
    """Let objects be open to the jobs that have pinned them, and to nobody else."""
    objects.discard(refs, pinned=True)


def _erase(backend: Backend, refs: Sequence[ObjectRef], pins: Pins) -> None:
    """Delete objects, and forget them once that is on the disk; those that are pinned wait."""
    pinned = {ref.key for ref in pins.among(refs)}
    free = _without_those_back(backend, [ref for ref in refs if ref.key not in pinned])
    if free:
        backend.objects.discard(free, pinned=False)
        backend.objects.sync(free)
        backend.index.outbox.drop(free)


def _without_those_back(backend: Backend, refs: Sequence[ObjectRef]) -> list[ObjectRef]:
    """Leave out products that have entries again.

    A job that is taken up again makes a product that is missing under the same key as before. So
    products are looked for in the index once more, and those that are back stay.
    """
    products = [product_of(ref.key) for ref in refs if is_any_product_key(ref.key)]
    back = {pin.object.key for pin in backend.index.catalogue.pins_of(products)} if products else set()
    return [ref for ref in refs if ref.key not in back]
