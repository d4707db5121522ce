"""What the template has between its marks is what the table of routes and the functions say."""

import re
from typing import Any

import pytest

from dicomorph.http import routes
from local.template import TEMPLATE, read_template
from tests.support.template_rules import FUNCTION, of_type
from tools import template
from tools.marked_parts import replace_part

TEXT = TEMPLATE.read_text(encoding="utf-8")
RESOURCES = read_template()["Resources"]
FUNCTIONS = [name.removesuffix("Function") for name in of_type(read_template(), FUNCTION)]
WORKERS = {"PlanJob", "EditBatch", "FinalizeJob", "Erase", "Sweep", "Ingest"}


def test_the_template_is_current() -> None:
    assert template.written(TEXT) == TEXT, "make template"


@pytest.mark.parametrize("lost", ["routes", "functions"])
def test_what_was_lost_or_changed_is_written_again(lost: str) -> None:
    assert template.written(replace_part(TEXT, lost, "<<<<<<< a conflict\n")) == TEXT


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_watched_by_two_alarms_that_differ_in_what_they_watch(name: str) -> None:
    errors, throttles = (RESOURCES[f"{name}{kind}"]["Properties"] for kind in ("Errors", "Throttles"))
    assert errors["Dimensions"] == [{"Name": "FunctionName", "Value": {"Ref": f"{name}Function"}}]
    assert throttles == {**errors, "MetricName": "Throttles"}
    assert errors == {
        **RESOURCES["UnmatchedErrors"]["Properties"],
        "MetricName": "Errors",
        "Dimensions": errors["Dimensions"],
    }


def test_the_gateway_may_call_what_the_api_needs_and_nothing_else() -> None:
    permissions = {
        name: permission
        for name, permission in of_type(read_template(), "AWS::Lambda::Permission").items()
        if permission["Principal"] == "apigateway.amazonaws.com"
    }
    assert permissions.keys() == {f"{name}Permission" for name in set(FUNCTIONS) - WORKERS}
    for name, permission in permissions.items():
        function = name.replace("Permission", "Function")
        assert permission == {
            "Action": "lambda:InvokeFunction",
            "FunctionName": {"Ref": function},
            "Principal": "apigateway.amazonaws.com",
            "SourceArn": {
                "Fn::Sub": "arn:${AWS::Partition}:execute-api:${AWS::Region}:${AWS::AccountId}:${Api}/*"
            },
        }


def test_a_new_function_is_called_and_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_mutable(routes.ROUTES), "/tools/find", {"POST": "find_resources"})
    function = re.search(r"^  BrowseFunction:\n(?:    .*\n)+", TEXT, re.MULTILINE)
    assert function is not None
    added = (
        function[0].replace("Browse", "FindResources").replace("functions/browse", "functions/find_resources")
    )
    found = template.written(TEXT.replace(function[0], function[0] + added))
    for kind in ("Permission", "LogGroup", "Errors", "Throttles"):
        assert f"\n  FindResources{kind}:" in found


def test_a_route_to_a_function_that_is_not_written_out_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(_mutable(routes.ROUTES), "/tools/find", {"POST": "find_resources"})
    with pytest.raises(SystemExit, match=r"with a role for each: FindResources$"):
        template.written(TEXT)


def _mutable(routes: Any) -> dict[str, dict[str, str]]:
    assert isinstance(routes, dict)
    return routes


@pytest.mark.parametrize(
    "text", ["", "# a: begin\n", "# a: end\n# a: begin\n", "# a: begin\n# a: begin\n# a: end\n"]
)
def test_marks_have_to_be_there_once(text: str) -> None:
    with pytest.raises(SystemExit, match="'a: begin' and 'a: end'"):
        replace_part(text, "a", "new\n")


def test_what_stands_outside_of_the_marks_stays() -> None:
    text = "kept\n  # a: begin, why\nold\nold\n  # a: end\nkept\n"
    assert replace_part(text, "a", "new\n") == "kept\n  # a: begin, why\nnew\n  # a: end\nkept\n"
