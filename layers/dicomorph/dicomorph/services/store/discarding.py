"""Discarding the objects of entries that are gone from the index."""

from __future__ import annotations

from collections.abc import Sequence

from dicomorph.model.object_keys import is_any_product_key, product_of
from dicomorph.model.resources import ObjectRef
from dicomorph.services.backend import Backend

_AT_ONCE = 1_000  # so that little time passes between the look at the index and the deletion


def discard_removed(backend: Backend, refs: Sequence[ObjectRef]) -> None:
    """Discard objects whose entries were removed or replaced just now.

    A job that is taken up again makes a product that is missing under the same key as before.
    So products are looked for in the index once more, and those that are back stay.
    """
    # Asked after the removal: a job submitted from here on cannot have pinned these objects.
    pinned = backend.jobs.any_alive()
    for start in range(0, len(refs), _AT_ONCE):
        some = refs[start : start + _AT_ONCE]
        products = [product_of(ref.key) for ref in some if is_any_product_key(ref.key)]
        back = {pin.object.key for pin in backend.index.catalogue.pins_of(products)} if products else set()
        backend.objects.discard([ref for ref in some if ref.key not in back], pinned=pinned)
