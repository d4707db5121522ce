"""What `sam build` left in .aws-sam/build: its functions, each with the layers below it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.template import read_template

BUILD = Path(".aws-sam/build")


@dataclass(frozen=True, slots=True)
class BuiltFunction:
    """A function as it will be deployed.

    Parameters
    ----------
    name : str
        Its logical id in the template.
    code : Path
        What becomes /var/task.
    layers : dict[str, Path]
        What becomes /opt, by logical id, in the order of merging.
    variables : dict[str, str]
        Its environment where all parameters have their defaults; names of resources may be anything.
    """

    name: str
    code: Path
    layers: dict[str, Path]
    variables: dict[str, str]


def read_build(build: Path = BUILD) -> Iterator[BuiltFunction]:
    """Yield the functions of a built template.

    Raises
    ------
    SystemExit
        If nothing was built.
    """
    path = build / "template.yaml"
    if not path.is_file():
        raise SystemExit("Nothing is built yet: run 'make build'.")
    template = read_template(path)
    resources = template["Resources"]
    defaults = template["Globals"]["Function"]
    for name, resource in resources.items():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        properties = resource["Properties"]
        layers = [layer["Ref"] for layer in defaults["Layers"] + properties.get("Layers", [])]
        yield BuiltFunction(
            name=name,
            code=(build / properties["CodeUri"]).resolve(),
            layers={layer: (build / _content(resources[layer])).resolve() for layer in layers},
            variables={
                variable: _value(value, template.get("Parameters", {}))
                for variable, value in {**_variables(defaults), **_variables(properties)}.items()
            },
        )


def _content(layer: dict[str, Any]) -> str:
    return str(layer["Properties"]["ContentUri"])


def _variables(properties: dict[str, Any]) -> dict[str, Any]:
    return dict(properties.get("Environment", {}).get("Variables", {}))


def _value(value: Any, parameters: dict[str, Any]) -> str:
    """Return what a variable is set to: itself, the default of a parameter, or some name."""
    if isinstance(value, dict):
        return str(parameters.get(str(value.get("Ref")), {}).get("Default", "none"))
    return str(value)
