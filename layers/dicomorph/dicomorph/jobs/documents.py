"""The documents of a job in the object store: their keys, and their form as JSON.

::

    jobs/<job id>/request.json            what was asked, by whom
    jobs/<job id>/listing.json            the part of the content that grows with the job, at first
    jobs/<job id>/ends/<execution>/listing.json           the same as an execution leaves it
    jobs/<job id>/manifests/<plan>.json   the items of the map: job id, batch number, count of instances
    jobs/<job id>/batches/<plan>/<nnnnnn>.json            the pinned sources of a batch
    jobs/<job id>/outcomes/<plan>/<attempt>/<nnnnnn>.json what became of a batch
    jobs/<job id>/parts/<plan>/<attempt>/<nnnnnn>-<pppppp>.json
                                          what became of one instance of a batch: edited in an
                                          invocation of its own since its worker died with all
                                          of them, or before the job was stopped

The record names the plan that counts, and does so when all of it is written; what other planners
wrote is read by nobody. So it does with the listing: an execution that was stopped at its end may
write one late. Outcomes of an earlier attempt are never overwritten, so what a worker of
it writes late misleads nobody.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dicomorph.jobs.model import Batch, BatchOutcome, InstanceOutcome, Job
from dicomorph.model.object_keys import job_prefix
from dicomorph.model.resources import Ancestry, Json, ObjectRef, Pin


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """What was asked, and who asked it.

    Parameters
    ----------
    body : Mapping[str, Json]
        The body of the request; values of attributes may be in it.
    sources : tuple[str, ...]
        The Orthanc ids of what is edited, at any level, in the order of the request.
    changes : Mapping[str, Json], optional
        What splitting or merging changes (`deid.study_changes`), decided at submission.
    remote_ip, username : str
        Of the caller; they become metadata of the products (spec 1.4).
    """

    body: Mapping[str, Json]
    sources: tuple[str, ...]
    changes: Mapping[str, Json] | None = None
    remote_ip: str = ""
    username: str = ""


def request_key(job_id: str) -> str:
    """Return the key of the request."""
    return f"{job_prefix(job_id)}request.json"


def listing_key(job: Job) -> str:
    """Return the key of the lists in a job's content that count, which a record has no room for."""
    end = f"ends/{job.listing}/" if job.listing else ""
    return f"{job_prefix(job.id)}{end}listing.json"


def manifest_key(job: Job) -> str:
    """Return the key of the manifest."""
    return f"{job_prefix(job.id)}manifests/{job.plan}.json"


def batch_key(job: Job, number: int) -> str:
    """Return the key of a batch."""
    return f"{job_prefix(job.id)}batches/{job.plan}/{number:06}.json"


def outcomes_prefix(job: Job) -> str:
    """Return what the keys of all outcomes of batches start with, in the job's present attempt."""
    return f"{job_prefix(job.id)}outcomes/{job.plan}/{job.attempt}/"


def outcome_key(job: Job, number: int) -> str:
    """Return the key of the outcome of a batch, in the job's present attempt."""
    return f"{outcomes_prefix(job)}{number:06}.json"


def parts_prefix(job: Job) -> str:
    """Return what the keys of all outcomes of single instances start with, in the present attempt."""
    return f"{job_prefix(job.id)}parts/{job.plan}/{job.attempt}/"


def part_key(job: Job, number: int, part: int) -> str:
    """Return the key of the outcome of one instance of a batch, in the job's present attempt."""
    return f"{parts_prefix(job)}{number:06}-{part:06}.json"


def numbers_in(key: str) -> tuple[int, ...]:
    """Return the number of the batch that the key of an outcome names, and of its part if any.

    Examples
    --------
    >>> numbers_in("jobs/4f1c/parts/9a/1/000002-000010.json")
    (2, 10)
    """
    name = key.rpartition("/")[2].removesuffix(".json")
    return tuple(int(number) for number in name.split("-"))


def encode_request(request: JobRequest) -> bytes:
    """Return the document of a request."""
    return _dump(
        {
            "Body": request.body,
            "Sources": request.sources,
            "Changes": request.changes,
            "RemoteIP": request.remote_ip,
            "HttpUsername": request.username,
        }
    )


def decode_request(data: bytes) -> JobRequest:
    """Return a request from its document."""
    document = json.loads(data)
    return JobRequest(
        body=document["Body"],
        sources=tuple(document["Sources"]),
        changes=document["Changes"],
        remote_ip=document["RemoteIP"],
        username=document["HttpUsername"],
    )


def encode_manifest(job_id: str, sizes: Sequence[int]) -> bytes:
    """Return the items of the map: a job id, the number of a batch and how many instances it has."""
    return _dump([{"job": job_id, "batch": number, "instances": size} for number, size in enumerate(sizes)])


def batch_sizes(manifest: bytes) -> list[int]:
    """Return how many instances each batch of a manifest has."""
    return [item["instances"] for item in json.loads(manifest)]


def encode_listing(listing: Mapping[str, Iterable[Json]]) -> bytes:
    """Return the document of the lists in a job's content, whose entries are taken one by one."""
    lists = (_dump(name) + b":[" + b",".join(map(_dump, entries)) + b"]" for name, entries in listing.items())
    return b"{" + b",".join(lists) + b"}"


def decode_listing(data: bytes) -> dict[str, list[Json]]:
    """Return those lists from their document."""
    listing: dict[str, list[Json]] = json.loads(data)
    return listing


def encode_batch(batch: Batch) -> bytes:
    """Return the document of a batch."""
    sources = [_encode_pin(pin) for pin in batch.pins]
    return _dump({"batch": batch.number, "sources": sources, "copies": list(batch.copies.items())})


def decode_batch(data: bytes) -> Batch:
    """Return a batch from its document."""
    document = json.loads(data)
    sources = tuple(_decode_pin(pin) for pin in document["sources"])
    return Batch(document["batch"], sources, dict(document["copies"]))


def encode_outcome(outcome: BatchOutcome) -> bytes:
    """Return the document of an outcome."""
    instances = [
        {
            "source": _encode_pin(instance.source),
            "product": _encode_pin(instance.product) if instance.product else None,
            "error": instance.error_code,
            "details": instance.details,
        }
        for instance in outcome.instances
    ]
    superseded = [[ref.key, ref.version, ref.size] for ref in outcome.superseded]
    return _dump({"batch": outcome.number, "instances": instances, "superseded": superseded})


def decode_outcome(data: bytes) -> BatchOutcome:
    """Return an outcome from its document."""
    document = json.loads(data)
    instances = tuple(
        InstanceOutcome(
            _decode_pin(instance["source"]),
            _decode_pin(instance["product"]) if instance["product"] else None,
            instance["error"],
            instance["details"],
        )
        for instance in document["instances"]
    )
    superseded = tuple(ObjectRef(*ref) for ref in document["superseded"])
    return BatchOutcome(document["batch"], instances, superseded)


def _encode_pin(pin: Pin) -> list[Any]:
    ancestry, ref = pin.ancestry, pin.object
    return [
        ancestry.patient,
        ancestry.study,
        ancestry.series,
        ancestry.instance,
        ref.key,
        ref.version,
        ref.size,
    ]


def _decode_pin(values: list[Any]) -> Pin:
    return Pin(Ancestry(*values[:4]), ObjectRef(*values[4:]))


def _dump(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
