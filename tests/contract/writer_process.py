"""A program that stores, replaces and deletes instances until it is killed or has done its number.

Arguments: the data folder, a seed, the epoch, and how many batches (0: no end). It says
``ready`` when it begins to write, and tests kill it at any moment after.
"""

from __future__ import annotations

import hashlib
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from dicomorph.embedded.index.roles import sqlite_index
from dicomorph.embedded.objects.store import FileStore
from dicomorph.embedded.sqlite.database import Database
from dicomorph.model.identifiers import DicomIdentifiers, ancestry_of
from dicomorph.model.resources import LEVELS, InstanceEntry, LevelFacts, ObjectRef
from dicomorph.model.settings import OverwriteInstances
from dicomorph.ports.index import Index


def store_instance(objects: FileStore, numbers: tuple[int, ...], version: str) -> InstanceEntry:
    """Write an object and return the entry for it, as an upload does."""
    patient, study, series, instance = (
        ".".join(map(str, numbers[: level + 1])) for level in range(len(LEVELS))
    )
    ancestry = ancestry_of(DicomIdentifiers(patient, study, series, instance))
    data = f"{instance} {version}".encode() * 2000
    key = f"instances/{ancestry.instance[:2]}/{ancestry.instance}/{version}.dcm"
    return InstanceEntry(
        ancestry=ancestry,
        object=objects.put(key, data),
        md5=hashlib.md5(data, usedforsecurity=False).hexdigest(),
        facts={level: LevelFacts({"0020,000d": study}, {"Origin": "RestApi"}) for level in LEVELS},
    )


def erase(objects: FileStore, index: Index, refs: Sequence[ObjectRef]) -> None:
    """Delete objects, and forget them then."""
    objects.discard(refs, pinned=False)
    objects.sync(refs)
    index.outbox.drop(refs)


def run(folder: Path, seed: int, epoch: int, batches: int) -> None:
    """Store, replace and delete."""
    draw = random.Random(seed)  # noqa: S311 - the same at every run
    objects = FileStore(folder)
    index = sqlite_index(Database(folder / "index.db", epoch=epoch))
    print("ready", flush=True)  # noqa: T201 - the parent waits for it
    done = 0
    while not batches or done < batches:
        done += 1
        numbers = [
            (draw.randrange(2), draw.randrange(2), draw.randrange(3), draw.randrange(20)) for _ in range(5)
        ]
        entries = [store_instance(objects, some, f"{seed}.{done}.{n}") for n, some in enumerate(numbers)]
        outcomes = index.ingest.add(entries, overwrite=OverwriteInstances.ALWAYS)
        erase(objects, index, [outcome.superseded for outcome in outcomes if outcome.superseded])
        index.properties.next_number("AnonymizedPatients")
        victim = draw.choice(entries).ancestry
        level = draw.choice(LEVELS)
        if draw.random() < 0.3 and index.catalogue.get(level, victim.at(level)):
            removed = index.eraser.remove(level, victim.at(level)).objects
            if draw.random() < 0.5:  # as if a job had pinned them
                objects.discard(removed, pinned=True)
            erase(objects, index, removed)


if __name__ == "__main__":
    run(Path(sys.argv[1]), *map(int, sys.argv[2:]))
