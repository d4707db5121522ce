"""The deployments of an API in a template that nothing transforms again.

What API Gateway serves is a deployment: a copy of the API of the moment in which it was made. AWS SAM
makes one anew with every transform; without it, a parameter that changes the API would change nothing
of what is served. So there is a deployment for each variant of the API, and the stage has the one whose
conditions hold: when they change, CloudFormation makes another one and the stage goes over to it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

Template = dict[str, Any]

_API, _STAGE, _DEPLOYMENT = (
    "AWS::ApiGateway::RestApi",
    "AWS::ApiGateway::Stage",
    "AWS::ApiGateway::Deployment",
)
# Which endpoints a private API has a name at: it takes effect without a deployment.
_LIVE = "VpcEndpointIds"


def with_deployments(template: Template) -> Template:
    """Return a transformed template with a deployment for each variant of its API.

    Raises
    ------
    SystemExit
        If the API holds the value of a parameter, which no set of deployments could follow.
    """
    resources = dict(template["Resources"])
    (api,) = _of_type(resources, _API)
    (stage,) = _of_type(resources, _STAGE)
    (name,) = _of_type(resources, _DEPLOYMENT)
    properties = _without_live(resources[api]["Properties"])
    if held := sorted(set(_names(properties)) & set(template["Parameters"])):
        raise SystemExit(
            f"The API holds values of parameters, which no deployment follows: {', '.join(held)}"
        )
    conditions = dict(template["Conditions"])
    deployment = resources.pop(name)
    chosen: Any = None
    for variant in _variants(properties):
        own = name + "".join(f"{'' if holds else 'Not'}{condition}" for condition, holds in variant)
        if variant:
            conditions[own] = _all_of(variant)
            resources[own] = {**deployment, "Condition": own}
        else:
            resources[own] = deployment
        chosen = {"Ref": own} if chosen is None else {"Fn::If": [own, {"Ref": own}, chosen]}
    served = {**resources[stage]["Properties"], "DeploymentId": chosen}
    resources[stage] = {**resources[stage], "Properties": served}
    return {**template, "Conditions": conditions, "Resources": resources}


def _variants(properties: Mapping[str, Any]) -> Iterator[tuple[tuple[str, bool], ...]]:
    """Yield all ways in which the conditions that shape an API may hold or not."""
    names = sorted(set(_conditions(properties)))
    for holds in itertools.product((False, True), repeat=len(names)):
        yield tuple(zip(names, holds, strict=True))


def _all_of(variant: tuple[tuple[str, bool], ...]) -> Any:
    terms: list[Any] = [
        {"Condition": condition} if holds else {"Fn::Not": [{"Condition": condition}]}
        for condition, holds in variant
    ]
    return terms[0] if len(terms) == 1 else {"Fn::And": terms}


def _without_live(properties: Mapping[str, Any]) -> dict[str, Any]:
    endpoint = properties.get("EndpointConfiguration", {})
    kept = {name: value for name, value in endpoint.items() if name != _LIVE}
    return {**properties, "EndpointConfiguration": kept}


def _of_type(resources: Mapping[str, Any], kind: str) -> list[str]:
    return [name for name, resource in resources.items() if resource["Type"] == kind]


def _conditions(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "Fn::If" in node:
            yield node["Fn::If"][0]
        for value in node.values():
            yield from _conditions(value)
    elif isinstance(node, list):
        for value in node:
            yield from _conditions(value)


def _names(node: Any) -> Iterator[str]:
    """Yield what is referred to, by `Ref` or within `Fn::Sub`."""
    if isinstance(node, dict):
        if isinstance(node.get("Ref"), str):
            yield node["Ref"]
        if "Fn::Sub" in node:
            text = node["Fn::Sub"] if isinstance(node["Fn::Sub"], str) else node["Fn::Sub"][0]
            yield from (part.partition("}")[0] for part in text.split("${")[1:])
        for value in node.values():
            yield from _names(value)
    elif isinstance(node, list):
        for value in node:
            yield from _names(value)
