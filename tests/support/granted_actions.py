"""What the template grants to each of its principals, and IAM's answer to a call."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.support.template_rules import listed
from tests.support.template_values import NotReadableError, TemplateValues

Context = tuple[tuple[str, tuple[str, ...]], ...]
"""Condition keys with their values; a key that a request does not have is absent."""

_ATTACHED = {"Groups", "Roles", "Users"}
PRINCIPAL_TYPES = ("AWS::Serverless::Function", "AWS::Serverless::StateMachine")


@dataclass(frozen=True, slots=True)
class Need:
    """One permission that a call asks for.

    Parameters
    ----------
    action, resource : str
        Such as ``s3:GetObject`` and the ARN of an object.
    context : Context
        The condition keys of the request that statements here may name.
    """

    action: str
    resource: str
    context: Context = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement of a policy, its expressions resolved."""

    sid: str
    effect: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]
    condition: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, hash=False)

    def covers(self, need: Need) -> bool:
        """Tell whether the statement speaks of a need."""
        return (
            any(_matches(pattern.lower(), need.action.lower()) for pattern in self.actions)
            and any(_matches(pattern, need.resource) for pattern in self.resources)
            and all(
                _holds(operator, key, listed(wanted), dict(need.context))
                for operator, tests in self.condition.items()
                for key, wanted in tests.items()
            )
        )


def is_allowed(statements: Iterable[Statement], need: Need) -> bool:
    """Return IAM's decision: something allows it, and nothing denies it."""
    effects = {statement.effect for statement in statements if statement.covers(need)}
    return effects == {"Allow"}


def read_statements(template: Mapping[str, Any], values: TemplateValues) -> dict[str, list[Statement]]:
    """Return the statements of each function and state machine.

    They stand in the resource itself, in its role, or in a policy that names the role; written
    in any other way they are refused, rather than overlooked. What a condition leaves out of the
    stack grants nothing.
    """
    resources = {
        name: resource
        for name, resource in template["Resources"].items()
        if "Condition" not in resource or values.of({"Condition": resource["Condition"]})
    }
    return {
        name: [
            _statement(found, values)
            for document in _documents(name, resource, resources, values)
            for found in listed(document["Statement"])
        ]
        for name, resource in resources.items()
        if resource["Type"] in PRINCIPAL_TYPES
    }


def roles_of_nobody(template: Mapping[str, Any]) -> set[str]:
    """Return the roles that no function or state machine of the template takes."""
    resources = template["Resources"]
    taken = {_role(name, r) for name, r in resources.items() if r["Type"] in PRINCIPAL_TYPES}
    return {name for name, r in resources.items() if r["Type"] == "AWS::IAM::Role"} - taken


def _documents(
    name: str, resource: Mapping[str, Any], resources: Mapping[str, Any], values: TemplateValues
) -> Iterator[Mapping[str, Any]]:
    role = _role(name, resource)
    yield from listed(resource["Properties"].get("Policies", []))
    if role in resources:
        held = resources[role]["Properties"]
        if "ManagedPolicyArns" in held:
            raise NotReadableError(f"What {role} is granted by managed policies is not known here")
        yield from (policy["PolicyDocument"] for policy in _present(held.get("Policies", []), values))
    elif resource["Type"] == "AWS::Serverless::Function":
        raise NotReadableError(f"What SAM grants to {name}, which has no role of its own, is not known here")
    for other in resources.values():
        attached = other["Type"] == "AWS::IAM::ManagedPolicy" and other["Properties"].keys() & _ATTACHED
        if attached or other["Type"] == "AWS::IAM::RolePolicy":
            raise NotReadableError(f"{other['Type']} is not known here")
        if other["Type"] == "AWS::IAM::Policy" and {"Ref": role} in other["Properties"]["Roles"]:
            yield other["Properties"]["PolicyDocument"]


def _present(policies: list[Any], values: TemplateValues) -> Iterator[Mapping[str, Any]]:
    """Yield the policies that the parameters ask for, unresolved."""
    for policy in policies:
        if "Fn::If" in policy:
            condition, given, other = policy["Fn::If"]
            policy = given if values.of({"Condition": condition}) else other  # noqa: PLW2901
        if policy != {"Ref": "AWS::NoValue"}:
            yield policy


def _role(name: str, resource: Mapping[str, Any]) -> str:
    """Return the name of a principal's role in the template; SAM writes one that is not there."""
    given = resource["Properties"].get("Role")
    return f"{name}Role" if given is None else str(given["Fn::GetAtt"][0])


def _statement(found: Mapping[str, Any], values: TemplateValues) -> Statement:
    unknown = found.keys() - {"Sid", "Effect", "Action", "Resource", "Condition"}
    if unknown:
        raise NotReadableError(f"{sorted(unknown)} in a statement is not known here")
    return Statement(
        sid=found.get("Sid", ""),
        effect=found["Effect"],
        actions=tuple(listed(found["Action"])),
        resources=tuple(listed(values.of(found["Resource"]))),
        condition={
            operator: {key: values.of(wanted) for key, wanted in tests.items()}
            for operator, tests in found.get("Condition", {}).items()
        },
    )


def _holds(operator: str, key: str, wanted: list[str], context: Mapping[str, tuple[str, ...]]) -> bool:
    if operator not in _OPERATORS:
        raise NotReadableError(f"{operator} is not known here")
    quantify, compares = _OPERATORS[operator]
    return quantify(any(compares(one, value) for one in wanted) for value in context.get(key, ()))


def _matches(pattern: str, text: str) -> bool:
    return _compiled(pattern).fullmatch(text) is not None


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = (".*" if part == "*" else "." if part == "?" else re.escape(part) for part in pattern)
    return re.compile("".join(parts), re.DOTALL)


_OPERATORS: dict[str, tuple[Callable[[Iterable[bool]], bool], Callable[[str, str], bool]]] = {
    "Null": (all, lambda wanted, _: wanted == "false"),  # templates here ask for absence only, "true"
    "StringEquals": (any, str.__eq__),
    "StringLike": (any, _matches),
    "ForAllValues:StringLike": (all, _matches),  # true of a request that has no such key
}
