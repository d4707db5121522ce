"""Orthanc's conventions of HTTP (spec 2.1), as far as the front has a part in them."""

import contextlib
import json
import socket
from pathlib import Path
from typing import Any

import pytest


def exchange(server: Any, request: bytes) -> bytes:
    """Send bytes as they are; return everything that comes back."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(request)
        received = b""
        with contextlib.suppress(ConnectionResetError):  # it closed before it had read everything
            while chunk := connection.recv(1 << 16):
                received += chunk
        return received


@pytest.mark.parametrize(
    "path", ["/instances", "//instances", "/instances/", "//instances//", "/instances?expand"]
)
def test_doubled_and_trailing_slashes_are_tolerated(server: Any, path: str) -> None:
    answer = server.get(path)
    assert (answer.status, answer.json) == (200, [])


def test_an_empty_expect_header_is_accepted(server: Any, study: list[Path]) -> None:
    answer = server.call("POST", "/instances", study[0].read_bytes(), {"Expect": ""})
    assert (answer.status, answer.json["Status"]) == (200, "Success")


def test_a_client_that_waits_for_100_continue_gets_it(server: Any, study: list[Path]) -> None:
    data = study[0].read_bytes()
    head = (
        f"POST /instances HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\nConnection: close\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        connection.sendall(f"{head}Expect: 100-continue\r\n\r\n".encode())
        assert connection.recv(1 << 16) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(data)
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 200")


def test_an_unknown_path_gets_orthancs_error(server: Any) -> None:
    answer = server.get("/nope/nothing?x=1")
    assert answer.status == 404
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert (answer.json["OrthancStatus"], answer.json["Uri"], answer.json["Method"]) == (
        17,
        "/nope/nothing",
        "GET",
    )


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/instances", {"GET", "POST"}),
        ("POST", "/system", {"GET"}),
        ("POST", "/tools/default-encoding", {"GET", "PUT"}),
        ("GET", "/studies/x/anonymize", {"POST"}),
        ("PUT", "/patients/x", {"GET", "DELETE"}),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(
    server: Any, method: str, path: str, allowed: set[str]
) -> None:
    answer = server.call(method, path)
    assert (answer.status, answer.body) == (405, b"")
    assert {name.strip() for name in answer.headers["Allow"].split(",")} == allowed


def test_head_is_not_known(server: Any) -> None:
    answer = server.call("HEAD", "/instances")
    assert (answer.status, answer.body) == (404, b"")


@pytest.mark.parametrize(
    ("method", "suffix", "headers"),
    [
        ("POST", "", {"X-HTTP-Method-Override": "delete"}),
        ("GET", "?_method=DELETE", {}),
        ("GET", "?_method=delete", {}),
    ],
)
def test_delete_can_be_tunnelled(
    server: Any, study: list[Path], method: str, suffix: str, headers: dict[str, str]
) -> None:
    stored = server.upload(study[0])
    answer = server.call(method, stored["Path"] + suffix, None, headers)
    assert (answer.status, answer.json) == (200, {"RemainingAncestor": None})
    assert server.get("/instances").json == []


def test_put_can_be_tunnelled_with_a_body(server: Any) -> None:
    before = server.get("/tools/default-encoding").body
    assert server.call("GET", "/tools/default-encoding?_method=PUT", b"Utf8").status == 200
    assert server.get("/tools/default-encoding").body == b"Utf8"
    server.call("PUT", "/tools/default-encoding", before)


def test_the_client_does_not_choose_its_address(server: Any, study: list[Path]) -> None:
    headers = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9", "X-Real-Ip": "203.0.113.9"}
    stored = server.call("POST", "/instances", study[0].read_bytes(), headers).json
    assert server.get(f"{stored['Path']}/metadata/RemoteIP").body == b"127.0.0.1"


def test_headers_without_end_are_refused(server: Any) -> None:
    received = exchange(server, b"GET /system HTTP/1.1\r\nX-Long: " + b"a" * 66_000 + b"\r\n\r\n")
    assert received.startswith((b"HTTP/1.1 431", b"HTTP/1.0 431"))


def test_a_body_in_chunks_is_taken(server: Any, study: list[Path]) -> None:
    data = study[0].read_bytes()
    request = (
        b"POST /instances HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
        b"Connection: close\r\n\r\n" + f"{len(data):x}\r\n".encode() + data + b"\r\n0\r\n\r\n"
    )
    head, _, body = exchange(server, request).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert json.loads(body)["Status"] == "Success"


def test_a_body_that_ends_early_stores_nothing(server: Any, study: list[Path]) -> None:
    data = study[0].read_bytes()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(
            f"POST /instances HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n\r\n".encode()
        )
        connection.sendall(data[:1000])
    assert server.get("/instances").json == []
