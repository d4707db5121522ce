"""The template's routes are those that the code tells of; test_rules holds them to the handlers."""

import re
from pathlib import Path

from dicomorph.http.routes import ROUTES
from local.template import TEMPLATE, Route, read_routes, read_template

TEMPLATE_ROUTES = list(read_routes(read_template()))


def _shape(path: str) -> str:
    """Return a path with its parameters unnamed: they are spelled differently on the two sides."""
    return re.sub(r"\{\w+\}|<\w+>", "*", path)


def test_the_template_has_exactly_the_routes_that_allow_headers_tell_of() -> None:
    template = {(r.method, r.resource, Path(r.folder).name) for r in TEMPLATE_ROUTES if r.method != "ANY"}
    code = {(method, path, name) for path, methods in ROUTES.items() for method, name in methods.items()}
    assert template == code


def test_every_other_method_of_every_path_and_every_other_path_goes_to_unmatched() -> None:
    others = {r.resource for r in TEMPLATE_ROUTES if r.method == "ANY"}
    assert others == {r.resource for r in TEMPLATE_ROUTES}
    assert "/{proxy+}" in others
    assert {r.folder for r in TEMPLATE_ROUTES if r.method == "ANY"} == {"functions/unmatched"}


def test_siblings_name_their_parameter_alike() -> None:
    # API Gateway refuses /studies/{id} beside /studies/{study}/series.
    names: dict[str, set[str]] = {}
    for resource in {r.resource for r in TEMPLATE_ROUTES}:
        for parameter in re.finditer(r"\{(\w+)\}", resource):
            names.setdefault(_shape(resource[: parameter.start()]), set()).add(parameter[1])
    assert {before: found for before, found in names.items() if len(found) > 1} == {}


def test_every_function_folder_is_in_the_template() -> None:
    functions = TEMPLATE.parent / "functions"
    folders = {f"functions/{app.parent.name}" for app in functions.glob("*/app.py")}
    resources = read_template()["Resources"].values()
    assert folders == {
        r["Properties"]["CodeUri"] for r in resources if r["Type"] == "AWS::Serverless::Function"
    }


def test_a_route_is_read_with_its_function() -> None:
    assert Route("POST", "/studies/{id}/anonymize", "functions/anonymize_resources") in TEMPLATE_ROUTES
