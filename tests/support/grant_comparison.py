"""What is needed and not granted, what is granted and not needed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from tests.support.granted_actions import Need, Statement, is_allowed
from tests.support.places import examples, kind_of, places

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


def _unused_places(statement: Statement, action: str, needs: Iterable[Need], probes: _Probes) -> set[str]:
    used = {place for need in needs if need.action == action for place in places(need)}
    granted = {place for place, probe in probes.of(action) if statement.covers(probe)}
    if "bucket" in used:  # to tell that an object is missing takes the permission to list them all
        granted = {place for place in granted if not place.startswith("bucket, ")}
    return granted - used if granted else {"nothing that anybody uses"}


class _Probes:
    """One need in each place.

    Parameters
    ----------
    needs : Iterable[Need]
        Of all principals.
    """

    def __init__(self, needs: Iterable[Need]) -> None:
        self._kinds: dict[str, set[str]] = {}
        self._examples: dict[tuple[str, str, str], tuple[str, Need]] = {}
        for need in needs:
            kind = kind_of(need)
            self._kinds.setdefault(need.action, set()).add(kind)
            for beside, example in examples(need):
                values = [value for _, given in example.context for value in given]
                # Patients and instances are in one place; a statement may name either.
                within = "".join(values).partition("#")[0]
                self._examples[kind, beside or places(example)[0], within] = beside, example

    def of(self, action: str) -> Iterator[tuple[str, Need]]:
        """Yield places for an action, each with what it would need there."""
        kinds = self._kinds.get(action, ())
        for (kind, _, _), (beside, example) in self._examples.items():
            if kind in kinds:
                probe = replace(example, action=action)
                yield beside or places(probe)[0], probe
