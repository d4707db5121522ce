"""Resources as items of the table.

Attributes of a resource: ``Id``, ``Stamp`` (new at each change that decides something),
``Tags`` and ``PatientTags`` (JSON), ``M:<metadata>`` and ``R:<metadata>`` (value, revision if
above 0), ``L:<label>``, the ids of the resources above by their level, and for instances
``ObjectKey``, ``ObjectVersion``, ``ObjectSize``, ``CRC32`` and ``Fragments`` (two positions) where
they are known, and ``MD5``. One attribute a metadata and a label lets writers change them without
reading the item. ``Listing`` puts the item into the index of that name. An instance that waits for
its parents has only ``Stamp`` and ``Pending``.
"""

from __future__ import annotations

import json
import secrets
import zlib
from collections.abc import Mapping
from dataclasses import replace
from itertools import chain

from dicomorph.aws.dynamodb.keys import Item, listing, resource_key
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.metadata_names import INDEX_IN_SERIES, LAST_UPDATE, MAIN_DICOM_SEQUENCES
from dicomorph.model.resources import (
    LEVELS,
    Ancestry,
    InstanceEntry,
    Level,
    LevelFacts,
    MetadataValue,
    ObjectRef,
    Pin,
    Resource,
)

METADATA, REVISION, LABEL = "M:", "R:", "L:"
ITEM_LIMIT = 350_000
"""Bytes that a new item may take: DynamoDB's limit is 400 KB, metadata and labels may follow."""

_STAMP_BYTES = 12  # enough to differ from all that an item ever had; each item has one
_LONG = 1024
_UTF8_BYTES = 4  # of one character, at most
_NO_FACTS = LevelFacts({})


def new_stamp() -> str:
    """Return a text that no other item ever has as its stamp."""
    return secrets.token_hex(_STAMP_BYTES)


def encode_text(text: str) -> Item:
    """Return a text as an attribute value, compressed if it is long."""
    try:
        data = text.encode()
    except UnicodeEncodeError:  # a lone surrogate out of a broken file
        data = text.encode("utf-8", "surrogatepass")
    else:
        if len(data) <= _LONG:
            return {"S": text}
    return {"B": zlib.compress(data)}


def decode_text(value: Item) -> str:
    """Return the text in an attribute value."""
    if "S" in value:
        return str(value["S"])
    return zlib.decompress(value["B"]).decode("utf-8", "surrogatepass")


def encode_tags(tags: Mapping[str, str]) -> Item:
    """Return main tags as an attribute value."""
    return encode_text(json.dumps(dict(tags), separators=(",", ":")))


def facts_of(entry: InstanceEntry, level: Level) -> LevelFacts:
    """Return what an entry tells about a level."""
    return entry.facts.get(level, _NO_FACTS)


def labels_of(entry: InstanceEntry, level: Level) -> Item:
    """Return the labels that an entry gives to a level, as attributes."""
    return {LABEL + label: {"BOOL": True} for label in entry.labels.get(level, ())}


def pending_item(instance_id: str, stamp: str) -> Item:
    """Return the item of an instance that waits for its parents."""
    return {
        **resource_key(Level.INSTANCE, instance_id),
        "Id": {"S": instance_id},
        "Stamp": {"S": stamp},
        "Pending": {"BOOL": True},
    }


def instance_item(entry: InstanceEntry) -> Item:
    """Return the item of a stored instance, with a new stamp."""
    ref = entry.object
    return _resource_item(entry, Level.INSTANCE) | {
        "ObjectKey": {"S": ref.key},
        "ObjectVersion": {"S": ref.version},
        "ObjectSize": {"N": str(ref.size)},
        "MD5": {"S": entry.md5},
        **({} if ref.crc32 is None else {"CRC32": {"N": str(ref.crc32)}}),
        **({} if ref.fragments is None else {"Fragments": {"L": [{"N": str(at)} for at in ref.fragments]}}),
    }


def parent_item(entry: InstanceEntry, level: Level, now: str) -> Item:
    """Return the item of a resource above the instances, as the first of them tells it."""
    item = _resource_item(entry, level) | {METADATA + LAST_UPDATE: {"S": now}}
    if level is Level.STUDY:
        item["PatientTags"] = encode_tags(facts_of(entry, Level.PATIENT).main_tags)
    return item


def _resource_item(entry: InstanceEntry, level: Level) -> Item:
    facts, resource_id = facts_of(entry, level), entry.ancestry.at(level)
    item: Item = {
        **resource_key(level, resource_id),
        "Id": {"S": resource_id},
        "Stamp": {"S": new_stamp()},
        "Listing": {"S": listing(level, resource_id)},
        "Tags": encode_tags(facts.main_tags),
        **{METADATA + name: encode_text(value) for name, value in facts.metadata.items()},
        **labels_of(entry, level),
    }
    for above in level.above:
        item[above.value] = {"S": entry.ancestry.at(above)}
    return bounded(item)


def check_size(entry: InstanceEntry) -> None:
    """Check that an entry and its parents fit into the table, before anything is written.

    Raises
    ------
    BadFileFormatError
        If one of them does not.
    """
    texts = (
        text
        for facts in entry.facts.values()
        for text in [*facts.main_tags.values(), *facts.metadata.values()]
    )
    labels = (label for given in entry.labels.values() for label in given)
    if sum(map(len, chain(texts, labels))) * _UTF8_BYTES > ITEM_LIMIT // 2:  # no more than once in a lifetime
        for level in LEVELS:
            _resource_item(entry, level)


def bounded(item: Item) -> Item:
    """Return an item that fits into the table.

    The sequences among the main tags are left out if they are too long: they are a copy of
    what the file says.

    Raises
    ------
    BadFileFormatError
        If it does not fit without them either.
    """
    if size_of(item) > ITEM_LIMIT:
        item = {name: value for name, value in item.items() if name != METADATA + MAIN_DICOM_SEQUENCES}
        if size_of(item) > ITEM_LIMIT:
            raise BadFileFormatError("The main tags are longer than the index can hold")
    return item


def size_of(item: Item) -> int:
    """Return about how many bytes DynamoDB counts."""
    sizes = 0
    for name, value in item.items():
        (content,) = value.values()
        sizes += len(name) + (
            len(content.encode())
            if isinstance(content, str)
            else len(content)
            if isinstance(content, bytes)
            else 1
        )
    return sizes


def is_pending(item: Item) -> bool:
    """Tell whether an instance waits for its parents: nobody sees it yet."""
    return "Pending" in item


def stamp_of(item: Item) -> str:
    """Return the stamp of an item."""
    return str(item["Stamp"]["S"])


def id_of(item: Item) -> str:
    """Return the identifier of a resource."""
    return str(item["Id"]["S"])


def index_of(item: Item) -> str:
    """Return the ``IndexInSeries`` of a stored instance, empty if it has none."""
    value = item.get(METADATA + INDEX_IN_SERIES)
    return "" if value is None else decode_text(value)


def object_of(item: Item) -> ObjectRef:
    """Return the object of a stored instance."""
    ref = ObjectRef(
        item["ObjectKey"]["S"],
        item["ObjectVersion"]["S"],
        int(item["ObjectSize"]["N"]),
        int(item["CRC32"]["N"]) if "CRC32" in item else None,
    )
    if "Fragments" not in item:
        return ref
    begin, end = (int(at["N"]) for at in item["Fragments"]["L"])
    return replace(ref, fragments=(begin, end))


def ancestry_of(item: Item, level: Level) -> Ancestry:
    """Return the identifiers of a resource and above; empty below."""
    names = (id_of(item) if at is level else item.get(at.value, {"S": ""})["S"] for at in LEVELS)
    return Ancestry(*names)


def pin_of(item: Item) -> Pin:
    """Return the pin of a stored instance."""
    return Pin(ancestry_of(item, Level.INSTANCE), object_of(item))


def resource_of(item: Item, level: Level) -> Resource:
    """Return the resource in an item."""
    is_instance = level is Level.INSTANCE
    return Resource(
        level=level,
        id=id_of(item),
        parent=None if level.parent is None else item[level.parent.value]["S"],
        main_tags=json.loads(decode_text(item["Tags"])),
        metadata=_metadata_of(item),
        labels=frozenset(name.removeprefix(LABEL) for name in item if name.startswith(LABEL)),
        patient_main_tags=json.loads(decode_text(item["PatientTags"])) if "PatientTags" in item else {},
        object=object_of(item) if is_instance else None,
        md5=item["MD5"]["S"] if is_instance else "",
    )


def _metadata_of(item: Item) -> dict[str, MetadataValue]:
    names = (name.removeprefix(METADATA) for name in item if name.startswith(METADATA))
    return {
        name: MetadataValue(
            decode_text(item[METADATA + name]), int(item.get(REVISION + name, {"N": "0"})["N"])
        )
        for name in names
    }
