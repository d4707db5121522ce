"""Places: what a permission is for, without the ids in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from tests.support.granted_actions import Need
from tests.support.template_values import NotReadableError

# In round brackets: what tells a resource from others of its kind.
_KINDS = {
    "object": r"arn:aws:s3:::[^/]+/([^/]+)/.+",
    "bucket": r"arn:aws:s3:::([^/]+)",
    "index": r"arn:aws:dynamodb:.+:table/[^/]+/index/(.+)",
    "table": r"arn:aws:dynamodb:.+:table/([^/]+)",
    "key": r"arn:aws:kms:.+:key/(.+)",
    "log": r"arn:aws:logs:.+:log-group:([^:]+):.+",
    "execution": r"arn:aws:states:.+:execution:([^:/]+):.+",
    "map item": r"arn:aws:states:.+:execution:([^:/]+)/.+",
    "workflow": r"arn:aws:states:.+:stateMachine:(.+)",
    "queue": r"arn:aws:sqs:[^:]+:[^:]+:(.+)",
    "function": r"arn:aws:lambda:.+:function:(.+)",
    "account": r"()\*",
}
_PARTITIONS = {
    "resources": r"(Patient|Study|Series|Instance)#",
    "counters": r"Counter#",
    "properties": r"Property#",
    "secrets": r"Secret#",
    "list of jobs": r"Jobs$",
    "records of jobs": r"Job#",
    "records of uploads": r"Upload#",
}
"""What stands under a partition key of the table (`dicomorph.aws.dynamodb.keys`)."""


def kind_of(need: Need) -> str:
    """Return what the resource is."""
    return _parsed(need)[0]


def places(need: Need) -> list[str]:
    """Return the places that a permission is needed in."""
    kind, found = _parsed(need)
    if kind == "object":
        # The documents of a job go together, whichever it has.
        is_deletion = need.action in ("s3:DeleteObject", "s3:DeleteObjectVersion")
        return [f"objects {found[1]}/*" if is_deletion else f"objects {_folder(need.resource)}"]
    if kind in ("bucket", "key", "table"):
        values = [value for _, given in need.context for value in given]
        return list(dict.fromkeys(_place_within(kind, value) for value in values)) or [kind]
    return ["account" if kind == "account" else f"{kind} {found[1]}"]


def examples(need: Need) -> Iterator[tuple[str, Need]]:
    """Yield needs of the same kind.

    They are the need itself with one value of its condition key at a time, without a name, and
    what nobody needs beside it, with a name of that place: another resource, another value.
    """
    kind, found = _parsed(need)
    for one in _one_by_one(need):
        yield "", one
        if kind == "account":
            continue
        start, stop = found.span(1)
        resource = f"{need.resource[:start]}elsewhere{need.resource[stop:]}"
        yield f"{kind} elsewhere", replace(one, resource=resource)
        if kind in ("bucket", "key"):  # every partition of the table is somebody's place
            for key, _ in one.context:
                yield f"{kind}, for others", replace(one, context=((key, ("elsewhere",)),))


def _parsed(need: Need) -> tuple[str, re.Match[str]]:
    for kind, pattern in _KINDS.items():
        if found := re.fullmatch(pattern, need.resource):
            return kind, found
    raise NotReadableError(f"The resource of {need.action} is not known here: {need.resource}")


def _folder(resource: str) -> str:
    """Return the folder of an object; a job's document by its kind (`dicomorph.jobs.documents`)."""
    _, top, *rest = resource.split("/")
    if (top, rest[0]) == ("incoming", "uploads"):  # what clients of the API send is a place of its own
        return "incoming/uploads/*"
    if top != "jobs":
        return f"{top}/*"
    _, name, *more = rest
    return f"jobs/*/{name}/*" if more else f"jobs/*/{name}"


def _place_within(kind: str, value: str) -> str:
    if kind == "bucket":
        return f"bucket, below {value.partition('/')[0]}/"
    if kind == "key":
        return f"key, for {value.partition('.')[0]}"
    for name, pattern in _PARTITIONS.items():
        if re.match(pattern, value):
            return name
    raise NotReadableError(f"A partition key is not known here: {value}")


def _one_by_one(need: Need) -> Iterator[Need]:
    """Yield a need once for each value of its condition key."""
    for key, values in need.context:
        yield from (replace(need, context=((key, (value,)),)) for value in values)
    if not need.context:
        yield need
