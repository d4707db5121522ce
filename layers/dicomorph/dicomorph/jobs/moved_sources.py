"""The document that tells which instances a job has, for references to follow them: its key and form.

It is written with the plan, and read where a reference is met. With 100,000 instances it has 1.6 MB.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from dicomorph.jobs.model import Job
from dicomorph.jobs.strict_json import only, read
from dicomorph.model.object_keys import job_prefix


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedSources:
    """What the sources of a job are in terms of DICOM.

    Parameters
    ----------
    renamed : tuple[str, ...]
        The levels whose UIDs change (`Level.value`).
    places : tuple[tuple[str, str], ...]
        StudyInstanceUID and SeriesInstanceUID of each series.
    copies : tuple[tuple[bytes, bytes], ...]
        The instances, then those that are copied once more, and so on: hashes of their UIDs, and
        the numbers of their places (`dicom.engine.moved_instances`).
    parted : tuple[str, ...]
        The Orthanc ids of studies that the job may not have as a whole.
    """

    renamed: tuple[str, ...]
    places: tuple[tuple[str, str], ...]
    copies: tuple[tuple[bytes, bytes], ...]
    parted: tuple[str, ...]


def moved_sources_key(job: Job) -> str:
    """Return the key of the document."""
    return f"{job_prefix(job.id)}batches/{job.plan}/moved.json"


def encode_moved_sources(moved: MovedSources) -> bytes:
    """Return the document."""
    copies = [[base64.b64encode(part).decode("ascii") for part in copy] for copy in moved.copies]
    document = {
        "renamed": moved.renamed,
        "places": moved.places,
        "copies": copies,
        "parted": moved.parted,
    }
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def read_moved_sources(document: bytes | None) -> MovedSources | None:
    """Return what a document holds."""
    return read(document, _decode)


def _decode(document: Any) -> MovedSources:
    return MovedSources(
        renamed=_texts(document["renamed"]),
        places=tuple(_pair(place) for place in only(list, document["places"])),
        copies=tuple(_bytes(*_pair(copy)) for copy in only(list, document["copies"])),
        parted=_texts(document["parted"]),
    )


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(only(str, value) for value in only(list, values))


def _pair(values: Any) -> tuple[str, str]:
    first, second = only(list, values)
    return only(str, first), only(str, second)


def _bytes(hashes: str, numbers: str) -> tuple[bytes, bytes]:
    found = base64.b64decode(hashes, validate=True), base64.b64decode(numbers, validate=True)
    if len(found[0]) != 2 * len(found[1]):
        raise ValueError
    return found
