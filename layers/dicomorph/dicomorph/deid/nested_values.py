"""Paths of a request that lead into a sequence which the same request replaces (spec 3.3, step 8).

Paths apply after top-level replacements, so they change the new items, not those of the file.
"""

from __future__ import annotations

from collections.abc import Iterable

from dicomorph.deid.scopes import Operation, PathEntry
from dicomorph.dicom.tag_path import TagNames
from dicomorph.model.resources import Json


def with_paths_inside(tag: int, value: Json, entries: Iterable[PathEntry], names: TagNames) -> Json:
    """Return the new value of a sequence with the paths applied that lead into it.

    Parameters
    ----------
    tag : int
        The sequence.
    value : Json
        Its replacement: items from tag names to values. Anything else stays as it is.
    entries : Iterable[PathEntry]
        The paths of the request, seen from where the sequence stands.
    """
    entering = [entry for entry in entries if entry.parents and entry.parents[0][0] == tag]
    if not entering or not isinstance(value, list):
        return value
    return [_item(index, item, entering, names) for index, item in enumerate(value)]


def _item(index: int, item: Json, entering: list[PathEntry], names: TagNames) -> Json:
    if not isinstance(item, dict):
        return item  # an empty array stands for an empty item (spec 3.4)
    tags: dict[int, tuple[str, Json]] = {names.tag(name): (name, value) for name, value in item.items()}
    inside = [entry.entered() for entry in entering if entry.parents[0][1] in (None, index)]
    for operation in (Operation.REMOVE, Operation.REPLACE):
        for entry in inside:
            if entry.operation is not operation or entry.parents:
                continue
            tags.pop(entry.tag, None)
            if operation is Operation.REPLACE:
                tags[entry.tag] = f"{entry.tag >> 16:04x},{entry.tag & 0xFFFF:04x}", entry.value
    return {name: with_paths_inside(tag, value, inside, names) for tag, (name, value) in tags.items()}
