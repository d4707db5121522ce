"""The description of the API says what the functions serve, and a description that lies is found."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openapi_spec_validator import validate

from dicomorph import __version__
from local.template import read_template
from tests.support.api_client import Answer
from tests.support.described_answers import check_arguments, check_described
from tools import openapi

TEXT = openapi.PAGE.read_text(encoding="utf-8")
PAGE = json.loads(TEXT)
OPERATIONS = [
    (path, method, operation)
    for path, found in PAGE["paths"].items()
    for method, operation in found.items()
    if method != "parameters"
]


def test_the_page_is_current() -> None:
    assert openapi.to_text(openapi.document()) + "\n" == TEXT, "make openapi"


def test_the_page_is_valid() -> None:
    validate(PAGE)


def test_the_page_has_the_version_of_the_project() -> None:
    assert PAGE["info"]["version"] == __version__


def test_every_route_of_the_stack_is_described() -> None:
    served = read_template()["Resources"]["Api"]["Properties"]["DefinitionBody"]["paths"]
    methods = {
        (path, method)
        for path, methods in served.items()
        for method in methods
        if not method.startswith("x-") and path != "/{proxy+}"
    }
    assert methods == {(path, method) for path, method, _ in OPERATIONS}


def test_no_two_operations_have_the_same_name() -> None:
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(set(names)) == len(names)
    assert {"getInstancesByIdSimplifiedTags", "postStudiesByIdMerge"} <= set(names)


def test_every_schema_is_used() -> None:
    schemas = PAGE["components"]["schemas"]
    assert [name for name in schemas if f'"#/components/schemas/{name}"' not in TEXT] == []


def test_text_is_short_where_it_can_be() -> None:
    assert openapi.to_text({"a": [1, 2], "b": {}}) == '{"a": [1, 2], "b": {}}'
    long = {"a": ["x" * 100, "y" * 100], "b": {"c": 1}}
    assert openapi.to_text(long).splitlines()[1:4] == [
        '  "a": [',
        f'    "{"x" * 100}",',
        f'    "{"y" * 100}"',
    ]
    assert json.loads(openapi.to_text(long)) == long


# ------------------------------------------------------------------ answers that are not as described

ERROR = {
    "HttpError": "Not Found",
    "HttpStatus": 404,
    "Message": "Unknown resource",
    "Method": "GET",
    "OrthancError": "Unknown resource",
    "OrthancStatus": 17,
    "Uri": "/",
}
ID = "01234567-01234567-01234567-01234567-01234567"
UPLOAD = dict.fromkeys(("ID", "ParentPatient", "ParentStudy", "ParentSeries"), ID)
UPLOAD |= {"Path": "/instances/0", "Status": "Success"}


def answer(status: int, body: Any, kind: str = "application/json; charset=utf-8", **headers: str) -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)
    return Answer(status, {"content-type": kind, **headers}, text.encode())


@pytest.mark.parametrize(
    ("method", "route", "found"),
    [
        ("POST", "/instances", answer(200, UPLOAD)),
        ("GET", "/studies", answer(200, [])),
        ("GET", "/studies", answer(200, [ID])),
        ("GET", "/studies", answer(303, "", location="https://elsewhere")),
        ("GET", "/studies", answer(404, ERROR, "text/plain")),
        ("GET", "/studies/{id}", answer(404, "", "text/plain")),
        ("GET", "/studies/{id}/metadata/{name}", answer(404, ERROR, "text/plain")),
        ("PUT", "/studies/{id}/labels/{label}", answer(200, "", "text/plain")),
        ("GET", "/instances/{id}/file", answer(200, "DICM", "application/dicom")),
    ],
)
def test_an_answer_as_it_is_described_is_accepted(method: str, route: str, found: Answer) -> None:
    check_described(method, route, found)


@pytest.mark.parametrize(
    ("method", "route", "found", "fault"),
    [
        ("POST", "/instances", answer(200, {**UPLOAD, "Status": "Unheard"}), r"\$.Status 'Unheard'"),
        ("POST", "/instances", answer(200, {**UPLOAD, "New": 1}), "'New' was unexpected"),
        ("POST", "/instances", answer(200, {"ID": ID}), "'Path' is a required property"),
        ("POST", "/instances", answer(200, UPLOAD, "text/plain"), "text/plain is none of application/json"),
        ("POST", "/instances", answer(303, "", location="https://elsewhere"), "no row says so"),
        ("GET", "/studies", answer(200, ["an id"]), "'an id' does not match"),
        ("GET", "/studies", answer(303, ""), "without the header Location"),
        ("GET", "/studies", answer(404, "", "text/plain"), "'' is not of type 'object'"),
        ("GET", "/jobs", answer(200, [ID]), "is not a 'uuid'"),
        ("GET", "/jobs/{id}/{key}", answer(200, ""), "no row says so"),
        ("PUT", "/studies/{id}/labels/{label}", answer(200, "done", "text/plain"), "should be empty"),
        ("POST", "/jobs/{id}/cancel", answer(200, {"ID": ""}), "is expected to be empty"),
    ],
)
def test_an_answer_that_is_not_as_it_is_described_is_found(
    method: str, route: str, found: Answer, fault: str
) -> None:
    with pytest.raises(AssertionError, match=fault):
        check_described(method, route, found)


def test_errors_without_a_body_are_a_setting() -> None:
    check_described("GET", "/studies", answer(404, "", "text/plain"), describes_errors=False)
    with pytest.raises(AssertionError, match="not to be described"):
        check_described("GET", "/studies", answer(404, ERROR, "text/plain"), describes_errors=False)


def test_an_argument_that_the_page_does_not_name_is_found() -> None:
    check_arguments("GET", "/studies", ["since", "limit", "_method"])
    with pytest.raises(AssertionError, match=r"GET /studies takes \['until'\]"):
        check_arguments("GET", "/studies", ["since", "until"])
