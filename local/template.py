"""Reading template.yaml: the routes of the API and the functions that serve them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

TEMPLATE = Path(__file__).resolve().parent.parent / "template.yaml"
_ANY_METHOD = "x-amazon-apigateway-any-method"
_INTEGRATION = "x-amazon-apigateway-integration"
_FUNCTION_NAME = re.compile(r"\$\{(\w+)\.Arn\}/invocations$")


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path, and the folder of the function behind it.

    Parameters
    ----------
    method : str
        In upper case; ``ANY`` takes what no other method of the path does.
    resource : str
        The path with its parameters in braces, as API Gateway names the resource.
    folder : str
        Relative to the template, such as ``functions/browse``.
    """

    method: str
    resource: str
    folder: str


def read_template(path: Path = TEMPLATE) -> dict[str, Any]:
    """Load a template, with CloudFormation's short forms in their long ones.

    ``!Ref X`` becomes ``{"Ref": "X"}``, ``!GetAtt A.B`` becomes ``{"Fn::GetAtt": ["A", "B"]}``,
    and every other tag ``{"Fn::<tag>": value}``.
    """
    with path.open("rb") as stream:
        document = yaml.load(stream, _TemplateLoader)  # noqa: S506 - a safe loader, with tags of its own
    return dict(document)


def read_routes(template: dict[str, Any]) -> Iterator[Route]:
    """Yield the routes of the one API of a template, in the order of its definition."""
    resources = template["Resources"]
    (api,) = (r["Properties"] for r in resources.values() if r["Type"] == "AWS::Serverless::Api")
    for resource, operations in api["DefinitionBody"]["paths"].items():
        for name, operation in operations.items():
            found = _FUNCTION_NAME.search(operation[_INTEGRATION]["uri"]["Fn::Sub"])
            if found is None:
                message = f"{name.upper()} {resource} leads to no function of the template"
                raise ValueError(message)
            method = "ANY" if name == _ANY_METHOD else name.upper()
            yield Route(method, resource, resources[found[1]]["Properties"]["CodeUri"])


class _TemplateLoader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """libyaml's loader where it was built, which reads the template ten times as fast."""


def _construct_tag(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_TemplateLoader.add_multi_constructor("!", _construct_tag)
