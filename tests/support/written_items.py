"""Hierarchies of many instances, written to DynamoDB as the index would have them, without an upload each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dicomorph.aws.dynamodb.keys import Item, child_key
from dicomorph.aws.index.items import instance_item, parent_item
from dicomorph.model.identifiers import orthanc_id
from dicomorph.model.metadata_names import EXPECTED_NUMBER_OF_INSTANCES, INDEX_IN_SERIES
from dicomorph.model.resources import (
    LEVELS,
    PARENT_LEVELS,
    Ancestry,
    InstanceEntry,
    Level,
    LevelFacts,
    ObjectRef,
)

_AT_ONCE = 25  # BatchWriteItem
_NOW = "20260102T030405"


def ancestry(study: int, series: int, instance: int) -> Ancestry:
    """Return the identifiers of an instance of the one patient."""
    names = ("PAT", f"{study}", f"{study}.{series}", f"{study}.{series}.{instance}")
    return Ancestry(*(orthanc_id(level.value, name) for level, name in zip(LEVELS, names, strict=True)))


def write_items(client: Any, *, studies: int = 1, series: int = 1, instances: int = 1) -> None:
    """Write instances of one patient, so many a series, so many series a study."""
    seen: set[str] = set()
    items: list[Item] = []
    for study in range(studies):
        for one in range(series):
            for number in range(instances):
                items += _items(ancestry(study, one, number), number + 1, instances, seen)
    for start in range(0, len(items), _AT_ONCE):
        requests = [{"PutRequest": {"Item": item}} for item in items[start : start + _AT_ONCE]]
        client.batch_write_item(RequestItems={"index": requests})


def _items(found: Ancestry, index: int, expected: int, seen: set[str]) -> Iterator[Item]:
    facts = {level: LevelFacts({"0010,0010": "Doe^Jane"}) for level in LEVELS}
    facts[Level.SERIES] = LevelFacts({}, {EXPECTED_NUMBER_OF_INSTANCES: str(expected)})
    facts[Level.INSTANCE] = LevelFacts({}, {INDEX_IN_SERIES: str(index)})
    ref = ObjectRef(f"instances/{found.instance}.dcm", "1", 500)
    entry = InstanceEntry(ancestry=found, object=ref, md5="", facts=facts)
    yield instance_item(entry)
    for level in LEVELS:
        above = level.parent
        if found.at(level) not in seen and above is not None:
            yield child_key(above, found.at(above), found.at(level))
    for level in PARENT_LEVELS:
        if found.at(level) not in seen:
            seen.add(found.at(level))
            yield parent_item(entry, level, _NOW)


@contextmanager
def counted_calls(client: Any) -> Iterator[list[str]]:
    """Collect the names of the operations that a client calls."""
    seen: list[str] = []

    def see(model: Any, **_: Any) -> None:
        seen.append(model.name)

    client.meta.events.register("before-call.dynamodb", see)
    try:
        yield seen
    finally:
        client.meta.events.unregister("before-call.dynamodb", see)
