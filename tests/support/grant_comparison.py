"""What is needed and not granted, what is granted and not needed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from tests.support.granted_actions import Need, Statement, is_allowed

# The part in round brackets is what "elsewhere" differs in.
_KINDS = {
    "object": r"arn:aws:s3:::[^/]+/([^/]+)/.+",
    "bucket": r"arn:aws:s3:::([^/]+)",
    "index": r"arn:aws:dynamodb:.+:table/[^/]+/index/(.+)",
    "table": r"arn:aws:dynamodb:.+:table/([^/]+)",
    "key": r"arn:aws:kms:.+:key/(.+)",
    "log": r"arn:aws:logs:.+:log-group:([^:]+):.+",
    "execution": r"arn:aws:states:.+:execution:([^:/]+):.+",
    "child": r"arn:aws:states:.+:execution:([^:/]+)/.+",
    "machine": r"arn:aws:states:.+:stateMachine:(.+)",
    "function": r"arn:aws:lambda:.+:function:(.+)",
    "anything": r"(\*)",
    "unknown": r"(.+)",
}
_PARTITIONS = {
    "resources": r"(Patient|Study|Series|Instance)#",
    "counters": r"Counter#",
    "properties": r"Property#",
    "list of jobs": r"Jobs$",
    "records of jobs": r"Job#",
}
"""What stands under a partition key of the table (`dicomorph.index.keys`)."""

Needs = Mapping[str, Iterable[Need]]
Statements = Mapping[str, Sequence[Statement]]


class Permission(NamedTuple):
    """An action of a principal in a place, such as the objects below ``instances/``.

    ``sid`` names the statement that grants it; empty where none does.
    """

    principal: str
    action: str
    place: str
    sid: str = ""


def missing_grants(needs: Needs, statements: Statements) -> set[Permission]:
    """Return what is needed and not allowed."""
    return {
        Permission(principal, need.action, place)
        for principal, found in needs.items()
        for need in found
        if not is_allowed(statements[principal], need)
        for place in places(need)
    }


def unused_grants(needs: Needs, statements: Statements) -> set[Permission]:
    """Return what is allowed and not needed.

    A statement is asked about every place that anybody uses with a resource of the same kind,
    and about a place beside each, which nobody uses.
    """
    probes = _Probes(need for found in needs.values() for need in found)
    return {
        Permission(principal, action, place, statement.sid)
        for principal, granted in statements.items()
        for statement in granted
        for action in statement.actions
        for place in _unused_places(statement, action, needs[principal], probes)
    }


def places(need: Need) -> list[str]:
    """Return the places that a permission is needed in."""
    kind, where = _kind(need)
    if kind == "object":
        return [f"objects {where}/*"]
    if kind in ("bucket", "key", "table"):
        values = [value for _, given in need.context for value in given]
        return list(dict.fromkeys(_place_within(kind, value) for value in values)) or [kind]
    return [{"anything": "account", "child": "map items"}.get(kind, f"{kind} {where}")]


def _place_within(kind: str, value: str) -> str:
    if kind == "bucket":
        return f"bucket, below {value.partition('/')[0]}/"
    if kind == "key":
        return f"key, for {value.partition('.')[0]}"
    return next(name for name, pattern in _PARTITIONS.items() if re.match(pattern, value))


def _unused_places(statement: Statement, action: str, needs: Iterable[Need], probes: _Probes) -> set[str]:
    used = {place for need in needs if need.action == action for place in places(need)}
    granted = {place for place, probe in probes.of(action) if statement.covers(probe)}
    if "bucket" in used:  # to tell that an object is missing takes the permission to list them all
        granted = {place for place in granted if not place.startswith("bucket, ")}
    return granted - used if granted else {"nothing that anybody uses"}


class _Probes:
    """Examples of needs in each place, and beside it.

    Parameters
    ----------
    needs : Iterable[Need]
        Of all principals.
    """

    def __init__(self, needs: Iterable[Need]) -> None:
        self._kinds: dict[str, set[str]] = {}
        self._examples: dict[tuple[str, str, str], Need] = {}
        for need in needs:
            kind, _ = _kind(need)
            self._kinds.setdefault(need.action, set()).add(kind)
            for one in _one_by_one(need):
                for place, example in _examples(kind, one):
                    value = "".join(value for _, given in example.context for value in given)
                    self._examples[kind, place, value.partition("#")[0]] = example

    def of(self, action: str) -> Iterator[tuple[str, Need]]:
        """Yield places for an action, each with what it would need there."""
        kinds = self._kinds.get(action, ())
        for (kind, place, _), example in self._examples.items():
            if kind in kinds:
                yield place, replace(example, action=action)


def _examples(kind: str, need: Need) -> Iterator[tuple[str, Need]]:
    """Yield the place of a need with one value, and places that differ in the resource or in the value."""
    (place,) = places(need)
    yield place, need
    if kind in ("anything", "unknown"):
        return
    match = re.fullmatch(_KINDS[kind], need.resource)
    assert match is not None
    start, stop = match.span(1)
    resource = need.resource[:start] + "elsewhere" + need.resource[stop:]
    yield f"{kind} elsewhere", replace(need, resource=resource)
    if kind in ("bucket", "key"):
        for key, _ in need.context:
            yield f"{kind}, elsewhere", replace(need, context=((key, ("elsewhere",)),))


def _one_by_one(need: Need) -> Iterator[Need]:
    """Yield a need once for each value of its condition key."""
    for key, values in need.context:
        yield from (replace(need, context=((key, (value,)),)) for value in values)
    if not need.context:
        yield need


def _kind(need: Need) -> tuple[str, str]:
    """Return what a resource is, and the part of its ARN that tells it from others of its kind."""
    matches = ((kind, re.fullmatch(pattern, need.resource)) for kind, pattern in _KINDS.items())
    return next((kind, match[1]) for kind, match in matches if match)
