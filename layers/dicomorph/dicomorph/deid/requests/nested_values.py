"""Paths of a request that lead into sequences which the same request writes (spec 3.3, steps 5 and 8).

Paths apply one after the other, those of Remove before those of Replace, and all of them after
top-level replacements. So a path may change items that an earlier step wrote, not those of the file.
"""

from __future__ import annotations

from collections.abc import Iterable

from dicomorph.deid.requests.modification import Modification
from dicomorph.deid.requests.nested_paths import Operation, PathEntry
from dicomorph.dicom.standard.tag_path import TagNames
from dicomorph.dicom.standard.tags import format_tag
from dicomorph.dicom.values.encoder import is_writable
from dicomorph.model.resources import Json


def named_by_number(value: Json, names: TagNames) -> Json:
    """Return a replacement value with one spelling for each tag in its items, ``gggg,eeee``.

    Of two names for one tag the later in the alphabet wins, as in Orthanc.
    """
    if not isinstance(value, list):
        return value
    return [
        {format_tag(names.tag(name)): named_by_number(item[name], names) for name in sorted(item)}
        if isinstance(item, dict)
        else item
        for item in value
    ]


def with_paths_inside(tag: int, value: Json, entries: Iterable[PathEntry]) -> Json:
    """Return the new value of a sequence with the paths applied that lead into it.

    Parameters
    ----------
    tag : int
        The sequence.
    value : Json
        Its replacement, `named_by_number`. Anything but a sequence stays as it is.
    entries : Iterable[PathEntry]
        Paths in the order in which they apply, seen from where the sequence stands.
    """
    for entry in entries:
        if entry.operation is not Operation.KEEP and entry.parents and entry.parents[0][0] == tag:
            value = _applied(value, entry, 0)
    return value


def _applied(items: Json, entry: PathEntry, depth: int) -> Json:
    if not isinstance(items, list):
        return items
    _, wanted = entry.parents[depth]
    return [
        _edited(item, entry, depth + 1) if wanted in (None, index) else item
        for index, item in enumerate(items)
    ]


def _edited(item: Json, entry: PathEntry, depth: int) -> Json:
    content = dict(item) if isinstance(item, dict) else {}  # [] stands for an empty item (spec 3.4)
    if depth < len(entry.parents):
        name = format_tag(entry.parents[depth][0])
        if name in content:
            content[name] = _applied(content[name], entry, depth)
    elif entry.operation is Operation.REMOVE:
        content.pop(format_tag(entry.tag), None)
    else:
        content[format_tag(entry.tag)] = entry.value
    return content


def path_entries(modification: Modification, names: TagNames) -> tuple[PathEntry, ...]:
    """Return the nested paths of a request in the order in which they apply (spec 3.3, step 8)."""
    entries = [
        PathEntry(Operation.REMOVE, path.parents, path.tag) for path in modification.remove if path.parents
    ]
    entries += [
        PathEntry(Operation.REPLACE, path.parents, path.tag, named_by_number(value, names))
        for path, value in modification.replace.items()
        if path.parents and is_writable(path.tag)
    ]
    entries += [
        PathEntry(Operation.KEEP, path.parents, path.tag) for path in modification.keep if path.parents
    ]
    return tuple(entries)
