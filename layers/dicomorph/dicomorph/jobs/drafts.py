"""The document of a plan that one call could not complete: its key and form.

It is read by the next call, and by nobody once the record names the plan.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from dicomorph.jobs.model import Job
from dicomorph.jobs.strict_json import count, only, read
from dicomorph.model.object_keys import job_prefix


@dataclass(slots=True)
class Draft:
    """How a job is cut, and what of that is written.

    Parameters
    ----------
    chunks : Sequence[Sequence[str]]
        The instances of all batches, by their Orthanc ids.
    done : int
        How many of them are written, or empty.
    sizes, weights : list[int]
        How many instances each written batch has, and how many bytes.
    """

    chunks: Sequence[Sequence[str]]
    done: int = 0
    sizes: list[int] = field(default_factory=list)
    weights: list[int] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether all batches are written."""
        return self.done == len(self.chunks)


def draft_key(job: Job) -> str:
    """Return the key of the document, in the folder of the plan that a job is to get."""
    return f"{job_prefix(job.id)}batches/{job.plan}/draft.json"


def encode_draft(draft: Draft) -> bytes:
    """Return the document; of a million instances, it has 50 MB."""
    document = {"chunks": draft.chunks, "done": draft.done, "sizes": draft.sizes, "weights": draft.weights}
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def read_draft(document: bytes | None) -> Draft | None:
    """Return what a document holds."""
    return read(document, _decode)


def _decode(document: Any) -> Draft:
    return Draft(
        [[only(str, one) for one in only(list, chunk)] for chunk in only(list, document["chunks"])],
        count(document["done"]),
        [count(size) for size in only(list, document["sizes"])],
        [count(weight) for weight in only(list, document["weights"])],
    )
