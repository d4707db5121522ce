"""The documents of a job in the object store: their keys, and their form as JSON.

::

    jobs/<job id>/request.json            what was asked, by whom, under which settings
    jobs/<job id>/user-data.json          what the caller wants to find in the job again, if anything
    jobs/<job id>/listing.json            the part of the content that grows with the job, at first
    jobs/<job id>/ends/<execution>.json   the same as an execution leaves it
    jobs/<job id>/manifests/<plan>.json   the batches: job id, number, counts of instances and bytes
    jobs/<job id>/batches/<plan>/<nnnnnn>.json            the pinned sources of a batch
    jobs/<job id>/manifests/<plan>/<execution>-<number>.json  the items of one map (`jobs.items`)
    jobs/<job id>/batches/<plan>/draft.json               a plan that is not complete (`jobs.drafts`)
    jobs/<job id>/batches/<plan>/moved.json               which instances the job has (`jobs.moved_sources`)
    jobs/<job id>/outcomes/<plan>/<attempt>/<nnnnnn>.json what became of a batch
    jobs/<job id>/parts/<plan>/<attempt>/<nnnnnn>-<pppppp>.json
                                          what became of one instance of a batch: edited in an
                                          invocation of its own since its worker died with all
                                          of them, or before the job was stopped

The record names the plan that counts, and does so when all of it is written; what other planners
wrote is read by nobody. So it does with the listing: an execution that was stopped at its end may
write one late. Outcomes of an earlier attempt are never overwritten, so what a worker of
it writes late misleads nobody.

A power cut may leave a document cut short, or empty (embedded): whoever reads one (``read_…``) gets
nothing then, as if it were not there, and does what he does without it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from dicomorph.jobs.model import Batch, BatchOutcome, InstanceOutcome, Job
from dicomorph.jobs.pins import decode_pin, decode_ref, encode_pin, encode_ref
from dicomorph.jobs.shaping_settings import decode_shaping, encode_shaping, of_earlier_versions
from dicomorph.jobs.strict_json import count, only, read
from dicomorph.model.object_keys import job_prefix
from dicomorph.model.remarks import Remark
from dicomorph.model.resources import Json
from dicomorph.model.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """What was asked, and who asked it.

    Parameters
    ----------
    body : Mapping[str, Json]
        The body of the request without ``UserData``; values of attributes may be in it.
    sources : tuple[str, ...]
        The Orthanc ids of what is edited, at any level, in the order of the request.
    changes : Mapping[str, Json], optional
        What splitting or merging changes (`deid.study_changes`), decided at submission.
    remote_ip, username : str
        Of the caller; they become metadata of the products (spec 1.4).
    settings : Mapping[str, Any]
        Those that shape the products (`jobs.shaping_settings`), as they were at submission; none
        in the requests of earlier versions.
    software : str
        What the products are marked with as de-identified; empty as above.
    allow_lists : Mapping[str, frozenset[int]]
        What the list that the body names, if any, had in it at submission: tags by its name.
    """

    body: Mapping[str, Json]
    sources: tuple[str, ...]
    changes: Mapping[str, Json] | None = None
    remote_ip: str = ""
    username: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    software: str = ""
    allow_lists: Mapping[str, frozenset[int]] = field(default_factory=dict)

    def settings_of_job(self, settings: Settings) -> Settings:
        """Return today's settings with those of the submission in place of the ones that shape bytes."""
        return replace(settings, **{**of_earlier_versions(settings), **self.settings})


def request_key(job_id: str) -> str:
    """Return the key of the request."""
    return f"{job_prefix(job_id)}request.json"


def user_data_key(job: Job) -> str:
    """Return the key of the caller's own data, which the record has no room for."""
    return f"{job_prefix(job.id)}user-data.json"


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


def is_outcome_key(key: str) -> bool:
    """Tell whether a document says what became of a batch, or of a part of it."""
    return key.split("/")[2:3] in (["outcomes"], ["parts"])


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
            "Settings": encode_shaping(request.settings),
            "Software": request.software,
            **_encode_allow_lists(request.allow_lists),
        }
    )


def read_request(document: bytes | None) -> JobRequest | None:
    """Return a request from its document."""
    return read(document, _decode_request)


def encode_user_data(data: Json) -> bytes:
    """Return the document of the caller's own data."""
    return _dump({"UserData": data})


def read_user_data(document: bytes | None) -> Json:
    """Return the caller's own data from their document; None if there are none."""
    return read(document, lambda found: only(dict, found)["UserData"])


def encode_manifest(job_id: str, sizes: Sequence[int], weights: Sequence[int] = ()) -> bytes:
    """Return what a plan lists: a job id, the number of a batch and how many instances it has.

    Parameters
    ----------
    weights : Sequence[int]
        How many bytes the instances of each batch are planned as; none of them, where that is not known.
    """
    items: list[dict[str, Json]] = [
        {"job": job_id, "batch": number, "instances": size} for number, size in enumerate(sizes)
    ]
    for item, weight in zip(items, weights, strict=False):
        item["bytes"] = weight
    return _dump(items)


def read_manifest(document: bytes | None, job: Job) -> list[int] | None:
    """Return how many instances each batch has, from the manifest of the plan that a job's record names."""
    sizes = read(document, lambda items: [count(item["instances"]) for item in only(list, items)])
    return sizes if sizes is not None and len(sizes) == job.batches else None


def read_weights(document: bytes | None, job: Job) -> list[int | None] | None:
    """Return how many bytes each batch has, None for those that an earlier version has planned."""
    weights = read(document, lambda items: [item.get("bytes") for item in only(list, items)])
    return weights if weights is not None and len(weights) == job.batches else None


def encode_batch(batch: Batch) -> bytes:
    """Return the document of a batch."""
    sources = [encode_pin(pin) for pin in batch.pins]
    return _dump({"batch": batch.number, "sources": sources, "copies": list(batch.copies.items())})


def read_batch(document: bytes | None, number: int) -> Batch | None:
    """Return the batch with a number from its document."""
    batch = read(document, _decode_batch)
    return batch if batch is not None and batch.number == number else None


def encode_outcome(outcome: BatchOutcome) -> bytes:
    """Return the document of an outcome."""
    instances = [
        {
            "source": encode_pin(instance.source),
            "product": encode_pin(instance.product) if instance.product else None,
            "error": instance.error_code,
            "details": instance.details,
            **({"remarks": sorted(one.name for one in instance.remarks)} if instance.remarks else {}),
            **({"untranscoded": instance.untranscoded} if instance.untranscoded else {}),
            **({"flags": sorted(instance.flags)} if instance.flags else {}),
            **({"refused": instance.refused} if instance.refused else {}),
        }
        for instance in outcome.instances
    ]
    superseded = [encode_ref(ref) for ref in outcome.superseded]
    return _dump({"batch": outcome.number, "instances": instances, "superseded": superseded})


def read_outcome(document: bytes | None, number: int, instances: int | None = None) -> BatchOutcome | None:
    """Return the outcome of the batch with a number, or of one instance of it, from its document.

    Parameters
    ----------
    instances : int, optional
        Of how many instances it tells; None for any number of them.
    """
    outcome = read(document, _decode_outcome)
    if outcome is None or outcome.number != number:
        return None
    return outcome if instances in (None, len(outcome.instances)) else None


def _decode_request(document: Any) -> JobRequest:
    changes = document["Changes"]
    return JobRequest(
        body=only(dict, document["Body"]),
        sources=tuple(only(str, source) for source in only(list, document["Sources"])),
        changes=None if changes is None else only(dict, changes),
        remote_ip=only(str, document["RemoteIP"]),
        username=only(str, document["HttpUsername"]),
        settings=decode_shaping(only(dict, document.get("Settings", {}))),
        software=only(str, document.get("Software", "")),
        allow_lists=_decode_allow_lists(only(dict, document.get("AllowLists", {}))),
    )


def _encode_allow_lists(lists: Mapping[str, frozenset[int]]) -> dict[str, Json]:
    return {"AllowLists": {name: [*sorted(tags)] for name, tags in lists.items()}} if lists else {}


def _decode_allow_lists(document: Mapping[str, Any]) -> dict[str, frozenset[int]]:
    return {name: frozenset(map(count, only(list, tags))) for name, tags in document.items()}


def _decode_batch(document: Any) -> Batch:
    sources = tuple(decode_pin(pin) for pin in only(list, document["sources"]))
    copies = {count(index): count(copy) for index, copy in only(list, document["copies"])}
    return Batch(count(document["batch"]), sources, copies)


def _decode_outcome(document: Any) -> BatchOutcome:
    instances = tuple(
        InstanceOutcome(
            decode_pin(instance["source"]),
            decode_pin(instance["product"]) if instance["product"] is not None else None,
            only(int, instance["error"]),
            only(str, instance["details"]),
            frozenset(Remark[only(str, name)] for name in only(list, instance.get("remarks", []))),
            only(str, instance.get("untranscoded", "")),
            frozenset(only(str, name) for name in only(list, instance.get("flags", []))),
            only(str, instance.get("refused", "")),
        )
        for instance in only(list, document["instances"])
    )
    superseded = tuple(decode_ref(*ref) for ref in only(list, document["superseded"]))
    return BatchOutcome(count(document["batch"]), instances, superseded)


def _dump(document: object) -> bytes:
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")
