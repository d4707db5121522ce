"""The keys of the one DynamoDB table: where each item lies.

===========================  ==================  ===========================================
PK                           SK                  item
===========================  ==================  ===========================================
``<Level>#<id>``             ``-``               the resource: tags, metadata, labels, object
``<Level>#<id>#children``    id of the child     one child of a patient or study
``Series#<id>#children#<h>`` id of the instance  one instance; h: first hex digit of its id
``Counter#<name>``           ``-``               a counter
``Property#<name>``          ``-``               a server-wide property
``Secret#<name>``            ``-``               what pseudonyms are made from, for those who may read it
``Job#<id>``                 ``-`` and numbers   the record of a job, in pieces if it is large
``Jobs``                     id of the job       whether the job is alive
``Upload#<id>``              ``-``               an upload past the API, for some weeks
===========================  ==================  ===========================================

Identifiers are SHA-1 digests, so their first digit spreads evenly. A series has sixteen
partitions of children because one takes 1000 writes a second, and ascending partitions hold
ascending identifiers. The sparse index ``Listing`` has the same sixteen shards a level.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from dicomorph.model.resources import Level

Item: TypeAlias = dict[str, Any]
"""Attributes in the wire form of DynamoDB, such as ``{"PK": {"S": "Jobs"}}``."""

LISTING_INDEX = "Listing"
SHARDS = "0123456789abcdef"
SOLE = "-"


def key(partition: str, sort: str = SOLE) -> Item:
    """Return a primary key."""
    return {"PK": {"S": partition}, "SK": {"S": sort}}


def resource_key(level: Level, resource_id: str) -> Item:
    """Return the key of a resource."""
    return key(f"{level.value}#{resource_id}")


def child_key(parent: Level, parent_id: str, child_id: str) -> Item:
    """Return the key of the item that links a child to its parent."""
    shard = f"#{child_id[:1]}" if parent is Level.SERIES else ""
    return key(f"{parent.value}#{parent_id}#children{shard}", child_id)


def child_partitions(parent: Level, parent_id: str) -> list[str]:
    """Return the partitions that hold the links to all children, in their order."""
    partition = f"{parent.value}#{parent_id}#children"
    return [f"{partition}#{shard}" for shard in SHARDS] if parent is Level.SERIES else [partition]


def listing(level: Level, resource_id: str) -> str:
    """Return the partition of the index `LISTING_INDEX` that lists a resource."""
    return f"{level.value}#{resource_id[:1]}"


def listings(level: Level) -> list[str]:
    """Return the partitions of `LISTING_INDEX` that list a level, in order of identifiers."""
    return [f"{level.value}#{shard}" for shard in SHARDS]


def counter_key(name: str) -> Item:
    """Return the key of a counter."""
    return key(f"Counter#{name}")


def property_key(name: str) -> Item:
    """Return the key of a server-wide property."""
    return key(f"Property#{name}")


def secret_key(name: str) -> Item:
    """Return the key of a secret."""
    return key(f"Secret#{name}")


JOBS = "Jobs"


def job_partition(job_id: str) -> str:
    """Return the partition of a job's record."""
    return f"Job#{job_id}"


def upload_key(upload_id: str) -> Item:
    """Return the key of the record of an upload past the API."""
    return key(f"Upload#{upload_id}")
