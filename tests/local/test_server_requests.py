"""Orthanc's conventions of HTTP (spec 2.1), as far as the front has a part in them."""

import contextlib
import json
import re
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.template import read_routes, read_template


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


def get_routes() -> list[str]:
    routes = read_routes(read_template())
    return sorted({route.resource for route in routes if route.method == "GET"})


@pytest.mark.parametrize("is_stored", [False, True])
def test_head_answers_as_get_without_a_body_on_every_get_route(
    server: Any, study: list[Path], *, is_stored: bool
) -> None:
    stored = server.upload(study[0]) if is_stored else {}
    ids = {f"/{level}s/": stored.get(f"Parent{level.title()}") for level in ("patient", "study")}
    ids |= {"/studies/": stored.get("ParentStudy"), "/series/": stored.get("ParentSeries")}
    ids["/instances/"] = stored.get("ID")
    for resource in get_routes():
        found = next((ids[start] for start in ids if resource.startswith(start)), None)
        path = re.sub(r"{\w+}", "LastUpdate", resource.replace("{id}", found or "nope"))
        get, head = server.get(path), server.call("HEAD", path)
        assert (head.status, head.body) == (get.status, b"")
        for answer in (get, head):
            answer.headers.pop("Date")
        assert head.headers == get.headers or path == "/tools/now"


@pytest.mark.parametrize("path", ["/nope", "/instances/x/anonymize", "/tools/bulk-delete"])
def test_head_is_unknown_elsewhere(server: Any, path: str) -> None:
    answer = server.call("HEAD", path)
    assert (answer.status, answer.body) == (404, b"")


def test_head_carries_out_nothing(server: Any, study: list[Path]) -> None:
    stored = server.upload(study[0])
    before = server.get("/tools/default-encoding").body
    assert server.call("HEAD", f"{stored['Path']}?_method=DELETE").status == 200
    assert server.call("HEAD", "/tools/default-encoding?_method=PUT", b"Utf8").status == 200
    headers = {"X-HTTP-Method-Override": "DELETE"}
    assert server.call("HEAD", stored["Path"], None, headers).status == 200
    assert (server.counts()[3], server.get("/tools/default-encoding").body) == (1, before)


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


@pytest.mark.parametrize("framing", ["length", "chunks", "broken chunks"])
@pytest.mark.parametrize("padding", [0, 200_000, 3_000_000])
def test_a_body_that_ends_early_stores_nothing(
    server: Any, study: list[Path], framing: str, padding: int
) -> None:
    data = study[0].read_bytes() + bytes(padding)  # which may stand behind a data set
    head = "POST /instances HTTP/1.1\r\nHost: localhost\r\n"
    if framing == "length":
        request = f"{head}Content-Length: {len(data) + 1}\r\n\r\n".encode() + data
    else:  # all of the file is there, but for the end of the body
        end = b"\r\n0\r\n" if framing == "chunks" else b"XX0\r\n\r\n"
        request = f"{head}Transfer-Encoding: chunked\r\n\r\n{len(data):x}\r\n".encode() + data + end
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(20)
        received = connection.recv(1 << 16)
    assert received[:12] in ((b"HTTP/1.1 400",) if framing == "broken chunks" else (b"",))
    assert server.get("/instances").json == []
    assert list((server.data / "spool").iterdir()) == []


@pytest.mark.parametrize("client", ["curl", "curl without Expect"])
def test_curl_sees_the_answer_to_a_body_that_is_refused(server: Any, tmp_path: Path, client: str) -> None:
    (tmp_path / "large").write_bytes(bytes(30_000_000))
    url = f"http://127.0.0.1:{server.port}/instances"
    options = ["-H", "Transfer-Encoding: chunked, chunked"]
    if client.endswith("Expect"):
        options += ["-H", "Expect:"]
    done = subprocess.run(
        ["curl", "-sS", "-w", "%{http_code}", "--data-binary", f"@{tmp_path / 'large'}", *options, url],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout[-3:], done.stderr) == ("400", "")


@pytest.mark.parametrize("host", ["", "Host: localhost\r\nHost: localhost\r\n"])
def test_none_and_two_names_of_the_server_are_answered(server: Any, host: str) -> None:
    received = exchange(server, f"GET /system HTTP/1.1\r\n{host}Connection: close\r\n\r\n".encode())
    assert received.startswith(b"HTTP/1.1 4") is bool(host)


def test_clients_of_http_1_0_are_answered(server: Any) -> None:
    request = b"GET /system HTTP/1.0\r\n\r\n"
    assert b"\r\nConnection: close\r\n" in exchange(server, request)
    again = b"GET /system HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"
    received = exchange(server, again + request)
    assert (received.count(b"HTTP/1.1 200"), received.count(b"Connection: keep-alive")) == (2, 1)


@pytest.mark.parametrize("in_chunks", [False, True])
@pytest.mark.parametrize(
    ("path", "settings", "status"),
    [
        ("/instances", {"MaximumBodySize": 2}, 413),
        ("/tools/bulk-delete", {"MaximumBodySize": 2}, 413),
        ("/nope", {"MaximumBodySize": 2}, 413),
        ("/instances", {"MaximumStorageSize": 2}, 507),
        ("/instances", {"MinimumFreeSpace": 1 << 30}, 507),
    ],
)
def test_a_body_that_has_no_place_is_refused_before_it_is_read(
    make_server: Callable[..., Any], tmp_path: Path, path: str, settings: Any, status: int, *, in_chunks: bool
) -> None:
    (tmp_path / "settings.json").write_text(json.dumps(settings))
    server = make_server("--settings", str(tmp_path / "settings.json"))
    framing = "Transfer-Encoding: chunked" if in_chunks else f"Content-Length: {10 << 30}"
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        client.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n\r\n".encode())
        for _ in range(5 if in_chunks else 0):
            client.sendall(b"100000\r\n" + bytes(1 << 20) + b"\r\n")
        received = b""
        while chunk := client.recv(1 << 16):
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    assert (head[9:12], json.loads(body)["HttpStatus"]) == (str(status).encode(), status)
    assert list((server.data / "spool").iterdir()) == []
    assert server.get("/system").status == 200


@pytest.mark.parametrize("in_chunks", [False, True])
@pytest.mark.parametrize("path", ["/tools/bulk-delete", "/nope"])
def test_a_body_that_no_route_reads_is_refused_before_it_fills_the_disk(
    server: Any, path: str, *, in_chunks: bool
) -> None:
    framing = "Transfer-Encoding: chunked" if in_chunks else "Content-Length: 18446744073709551615"
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as client:
        client.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n\r\n".encode())
        for _ in range(66 if in_chunks else 0):
            client.sendall(b"100000\r\n" + bytes(1 << 20) + b"\r\n")
        received = b""
        while chunk := client.recv(1 << 16):
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    assert (head[9:12], json.loads(body)["Details"]) == (b"400", "The body of the request is too large")
    assert list((server.data / "spool").iterdir()) == []
