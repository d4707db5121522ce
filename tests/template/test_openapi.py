"""The description of the API says what the functions serve."""

from __future__ import annotations

import json

import pytest
from openapi_spec_validator import validate

from local.template import read_template
from tools import openapi

PAGE = json.loads(openapi.PAGE.read_text())


def test_the_page_is_current() -> None:
    assert openapi.document() == PAGE, "make openapi"


def test_the_page_is_valid() -> None:
    validate(PAGE)


def test_every_route_of_the_stack_is_described() -> None:
    served = read_template()["Resources"]["Api"]["Properties"]["DefinitionBody"]["paths"]
    methods = {
        (path, method)
        for path, methods in served.items()
        for method in methods
        if not method.startswith("x-") and path != "/{proxy+}"
    }
    assert methods == {
        (path, method) for path, found in PAGE["paths"].items() for method in found if method != "parameters"
    }


@pytest.mark.parametrize("path", sorted(PAGE["paths"]))
def test_every_operation_says_what_it_does(path: str) -> None:
    for method, operation in PAGE["paths"][path].items():
        if method != "parameters":
            assert operation["summary"].endswith(".")
