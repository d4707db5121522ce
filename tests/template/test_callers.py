"""What the stack's policies let callers do, held against the kinds of routes."""

from __future__ import annotations

import re
from typing import Any

import pytest

from dicomorph.http.route_rows import Permission
from dicomorph.http.routes import each_route
from local.template import read_template
from tests.support.granted_actions import Need, Statement, is_allowed
from tests.support.template_values import ACCOUNT, REGION, TemplateValues, with_parameters

TEMPLATE = read_template()
ROUTES = [route for _, route in each_route()]
ENDPOINT = (("aws:SourceVpce", ("vpce-1",)),)


def _statements(name: str, **parameters: Any) -> list[Statement]:
    template = with_parameters(TEMPLATE, **parameters)
    values = TemplateValues(template, {"Api": "api"})
    document = values.of(template["Resources"][name]["Properties"]["PolicyDocument"])
    return [
        Statement(s["Sid"], s["Effect"], (s["Action"],), tuple(s["Resource"]), s.get("Condition", {}))
        for s in document["Statement"]
    ]


def _need(method: str, path: str, context: Any = (), stage: str = "v1") -> Need:
    asked = re.sub(r"\{\w+\}", "66a662ce-7430e543", path)
    return Need(
        "execute-api:Invoke", f"arn:aws:execute-api:{REGION}:{ACCOUNT}:api/{stage}/{method}{asked}", context
    )


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_readers_read_and_writers_do_all_but_administer(route: Any) -> None:
    need = _need(route.method, route.path)
    assert is_allowed(_statements("ReadersPolicy"), need) is (route.permission is Permission.READ)
    assert is_allowed(_statements("WritersPolicy"), need) is (route.permission is not Permission.ADMINISTER)


@pytest.mark.parametrize("name", ["ReadersPolicy", "WritersPolicy"])
def test_a_policy_is_for_this_api_and_stage_only(name: str) -> None:
    assert not is_allowed(_statements(name), _need("GET", "/studies", stage="test"))
    other = Need("execute-api:Invoke", f"arn:aws:execute-api:{REGION}:{ACCOUNT}:other/v1/GET/studies")
    assert not is_allowed(_statements(name), other)


@pytest.mark.parametrize("name", ["ReadersPolicy", "WritersPolicy"])
def test_a_private_api_is_called_through_the_endpoints_that_were_named(name: str) -> None:
    statements = _statements(name, VpcEndpointIds="vpce-1,vpce-2")
    assert is_allowed(statements, _need("GET", "/studies", ENDPOINT))
    assert not is_allowed(statements, _need("GET", "/studies", (("aws:SourceVpce", ("vpce-3",)),)))
    assert not is_allowed(statements, _need("GET", "/studies"))


def test_policies_are_attached_to_nobody() -> None:
    for name in ("ReadersPolicy", "WritersPolicy"):
        assert not {"Groups", "Roles", "Users"} & TEMPLATE["Resources"][name]["Properties"].keys()
