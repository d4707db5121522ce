"""What a request is for, whichever address the API has: a stage, a custom domain, a base path of one."""

import re

import pytest

from dicomorph.http.reading.requests import Request
from dicomorph.http.routes import ROUTES

ID = "66a662ce-7430e543-bad44d47-0dc5a943-ec7a538d"
BASES = ["", "/pacs", "/a/b", "/studies", "/jobs"]


def _asked(resource: str) -> tuple[str, dict[str, str]]:
    """Return a path that leads to a resource, with its parameters."""
    given = dict.fromkeys(re.findall(r"\{(\w+)\}", resource), ID)
    return re.sub(r"\{\w+\}", ID, resource), given


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("resource", ROUTES)
def test_a_base_path_is_no_part_of_what_is_asked_for(resource: str, base: str) -> None:
    path, given = _asked(resource)
    event = {"resource": resource, "path": base + path, "pathParameters": given or None}
    request = Request({**event, "requestContext": {"path": base + path, "stage": "v1"}})
    assert (request.root, request.path) == (base, path)


@pytest.mark.parametrize("resource", ROUTES)
def test_a_stage_stands_in_the_address_alone(resource: str) -> None:
    path, given = _asked(resource)
    event = {"resource": resource, "path": path, "pathParameters": given or None}
    request = Request({**event, "requestContext": {"path": f"/v1{path}", "stage": "v1"}})
    assert (request.root, request.path) == ("/v1", path)


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("rest", ["nope", "studies/a/nope", "jobs/x%2Fy/z/nope", "studies/"])
def test_what_no_route_takes_is_told_from_the_base_path(base: str, rest: str) -> None:
    event = {"resource": "/{proxy+}", "path": f"{base}/{rest}", "pathParameters": {"proxy": rest}}
    request = Request({**event, "requestContext": {"path": f"{base}/{rest}"}})
    assert (request.root, request.path) == (base, f"/{rest.rstrip('/')}")


@pytest.mark.parametrize(
    ("event", "root", "path"),
    [
        ({"path": "/pacs", "resource": "/", "requestContext": {"path": "/pacs"}}, "/pacs", "/"),
        ({"path": "/pacs/", "resource": "/", "requestContext": {"path": "/pacs/"}}, "/pacs", "/"),
        ({"path": "/", "resource": "/", "requestContext": {"path": "/v1"}}, "/v1", "/"),
        ({"path": "/", "resource": "/", "requestContext": {"path": "/v1/"}}, "/v1", "/"),
        ({"path": "//jobs//", "resource": "/jobs", "requestContext": {"path": "//jobs//"}}, "", "/jobs"),
        ({"path": "/jobs/a", "requestContext": {"path": "//example.org/jobs/a"}}, "/example.org", "/jobs/a"),
        ({"path": "/jobs/a", "requestContext": {"path": "/elsewhere"}}, "", "/jobs/a"),
        ({"path": "/studies/a"}, "", "/studies/a"),
        ({}, "", "/"),
    ],
)  # fmt: skip
def test_odd_addresses_lead_nowhere_else(event: dict[str, object], root: str, path: str) -> None:
    request = Request(event)
    assert (request.root, request.path) == (root, path)
