"""What the function for unmatched requests answers where API Gateway does not see through slashes."""

from typing import Any

import pytest

from tests.support.api_client import Answer, Client


def _send(client: Client, method: str, path: str, **event: Any) -> Answer:
    stage = {"requestContext": {"path": f"/v1{path}", "stage": "v1"}}
    return client.send(
        "unmatched", {"resource": "/{proxy+}", "path": path, "httpMethod": method, **stage, **event}
    )


@pytest.mark.parametrize(
    ("method", "path", "address"),
    [
        ("GET", "//studies", "/v1/studies"),
        # One step at a time: a signature covers the trailing slash, but not the doubled ones.
        ("POST", "//instances//", "/v1/instances/"),
        ("POST", "/instances/", "/v1/instances"),
        ("DELETE", "/studies///a", "/v1/studies/a"),
        ("PUT", "/patients/a//labels/%C3%A9/", "/v1/patients/a/labels/%C3%A9/"),
        ("GET", "//studies/a\\b c", "/v1/studies/a%5Cb%20c"),
    ],
)
def test_superfluous_slashes_are_a_redirection_that_keeps_the_method(
    client: Client, method: str, path: str, address: str
) -> None:
    answer = _send(client, method, path)
    assert (answer.status, answer.body, answer.headers["location"]) == (308, b"", address)


def test_the_arguments_go_along(client: Client) -> None:
    query = {"expand": [""], "requested-tags": ["0010,0010;0010,0020", "x&y"]}
    answer = _send(client, "GET", "//studies", multiValueQueryStringParameters=query)
    assert answer.headers["location"] == (
        "/v1/studies?expand=&requested-tags=0010%2C0010%3B0010%2C0020&requested-tags=x%26y"
    )


def test_a_redirection_never_leaves_the_server(client: Client) -> None:
    event = {"requestContext": {"path": "//example.org//studies"}}
    answer = _send(client, "GET", "//studies", **event)
    assert answer.headers["location"] == "/example.org/studies"
    assert _send(client, "GET", "//example.org/studies").error == (404, 17)


@pytest.mark.parametrize("path", ["//nope", "/nope/", "//studies//a//nope"])
def test_an_unknown_path_stays_unknown_whatever_its_slashes(client: Client, path: str) -> None:
    assert _send(client, "GET", path).error == (404, 17)


def test_a_wrong_method_is_not_sent_on(client: Client) -> None:
    answer = _send(client, "PATCH", "//studies/")
    assert (answer.status, answer.headers["allow"]) == (405, "GET")


def test_a_tunnelled_method_is_told_to_come_as_itself(client: Client) -> None:
    answer = _send(client, "POST", "/studies/a/labels/b", headers={"X-HTTP-Method-Override": "PUT"})
    assert (answer.status, answer.headers["allow"]) == (405, "DELETE,GET,PUT")
