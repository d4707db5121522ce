"""Conditions and updates in DynamoDB's expression language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dicomorph.aws.dynamodb.keys import Item


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition with the values that it names.

    Examples
    --------
    >>> Condition("Stamp = :stamp", {":stamp": {"S": "a"}}).arguments
    {'ConditionExpression': 'Stamp = :stamp', 'ExpressionAttributeValues': {':stamp': {'S': 'a'}}}
    """

    text: str
    values: Mapping[str, Item] = field(default_factory=dict)

    @property
    def arguments(self) -> Item:
        """Return the arguments of a request."""
        arguments: Item = {"ConditionExpression": self.text}
        if self.values:
            arguments["ExpressionAttributeValues"] = dict(self.values)
        return arguments


@dataclass(frozen=True, slots=True)
class Update:
    """Attributes to set and to remove, on a condition.

    Parameters
    ----------
    put : Mapping[str, Item]
        Names of attributes, of any characters, to values.
    drop : frozenset[str]
        Names of attributes that vanish; ignored where they are put.
    names : Mapping[str, str]
        What placeholders in the text of the condition stand for.
    """

    condition: Condition
    put: Mapping[str, Item] = field(default_factory=dict)
    drop: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def arguments(self) -> Item:
        """Return the arguments of a request."""
        names, values, sets, removes = dict(self.names), dict(self.condition.values), [], []
        for number, (name, value) in enumerate(self.put.items()):
            names[f"#put{number}"], values[f":put{number}"] = name, value
            sets.append(f"#put{number} = :put{number}")
        for number, name in enumerate(sorted(self.drop - self.put.keys())):
            names[f"#drop{number}"] = name
            removes.append(f"#drop{number}")
        clauses = [("SET", sets), ("REMOVE", removes)]
        arguments: Item = {
            "UpdateExpression": " ".join(f"{verb} {', '.join(parts)}" for verb, parts in clauses if parts),
            "ConditionExpression": self.condition.text,
        }
        if names:
            arguments["ExpressionAttributeNames"] = names
        if values:
            arguments["ExpressionAttributeValues"] = values
        return arguments


ABSENT = Condition("attribute_not_exists(PK)")
EXISTS = Condition("attribute_exists(PK) AND attribute_not_exists(Pending)")
NOT_LIVE = Condition("attribute_not_exists(PK) OR attribute_exists(Pending)")


def stamped(stamp: str) -> Condition:
    """Return the condition that a live item is as it was read."""
    return Condition("Stamp = :stamp AND attribute_not_exists(Pending)", {":stamp": {"S": stamp}})


def still_pending(stamp: str) -> Condition:
    """Return the condition that an instance still waits for its entry."""
    return Condition("Stamp = :stamp AND attribute_exists(Pending)", {":stamp": {"S": stamp}})
