"""Requests as browsers send them, to a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local.conftest import Server

SITE = "https://viewer.example.org"
FOREIGN = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}
OF_A_PAGE = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    settings = folder / "settings.json"
    settings.write_text(json.dumps({"AllowedHosts": ["pacs.example.org"], "AllowedOrigins": [SITE]}))
    server = Server(folder / "data", "--workers", "1", "--settings", str(settings)).start()
    yield server
    assert server.stop() == 0


def test_nothing_is_read_changed_or_deleted_for_a_foreign_page(server: Server, study: list[Path]) -> None:
    stored = server.upload(study[0])
    for method, path, body in [
        ("GET", "/patients?expand", None),
        ("GET", f"{stored['Path']}/file", None),
        ("DELETE", f"/patients/{stored['ParentPatient']}", None),
        ("POST", "/instances", study[1].read_bytes()),
        ("POST", f"/studies/{stored['ParentStudy']}/anonymize", "{}"),
        ("POST", "/tools/bulk-delete", json.dumps({"Resources": [stored["ParentPatient"]]})),
        ("GET", f"/patients/{stored['ParentPatient']}?_method=DELETE", None),
        ("GET", "/nowhere", None),
    ]:
        answer = server.call(method, path, body, FOREIGN)
        assert (answer.status, answer.json["HttpStatus"], answer.json["OrthancStatus"]) == (403, 403, 8)
        assert "Access-Control-Allow-Origin" not in answer.headers
        rebound = server.call(method, path, body, {"Host": "evil.example:8042"})
        assert (rebound.status, rebound.json["HttpStatus"]) == (421, 421) or path == "/nowhere"
    assert server.counts() == (1, 1, 1, 1)
    image = server.call(
        "GET", f"/patients/{stored['ParentPatient']}?_method=DELETE", None, {"User-Agent": "Mozilla/5.0"}
    )
    assert (image.status, image.json["ID"]) == (200, stored["ParentPatient"])


def test_the_servers_own_names_do(server: Server) -> None:
    for host in ("localhost", f"localhost:{server.port}", f"127.0.0.1:{server.port}", "pacs.example.org"):
        assert server.call("GET", "/system", None, {"Host": host}).status == 200


def test_a_link_to_the_page_may_be_followed(server: Server) -> None:
    page = server.call("GET", "/", None, OF_A_PAGE)
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert page.headers["Content-Security-Policy"] == "default-src 'self'; frame-ancestors 'none'"
    assert b"Dicomorph" in page.body
    assert server.call("GET", "/studies", None, OF_A_PAGE).status == 403


def test_an_allowed_page_may_ask_and_is_told_so(server: Server) -> None:
    asked = {
        "Origin": SITE,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "if-match",
    }
    for path in ("/studies", "/instances/x/metadata/y", "/nowhere"):
        preflight = server.call("OPTIONS", path, None, asked)
        assert (preflight.status, preflight.body) == (204, b"")
        assert preflight.headers["Access-Control-Allow-Origin"] == SITE
        assert preflight.headers["Access-Control-Allow-Headers"] == "if-match"
        assert "PUT" in preflight.headers["Access-Control-Allow-Methods"]
        assert server.call("OPTIONS", path, None, {**asked, "Origin": "http://evil.example"}).status == 403
    answer = server.call("GET", "/studies", None, {"Origin": SITE, "Sec-Fetch-Site": "cross-site"})
    assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, SITE)


def test_every_answer_tells_browsers_what_it_is_for(server: Server, study: list[Path]) -> None:
    stored = server.upload(study[0])
    for path in (
        "/studies",
        f"{stored['Path']}/file",
        f"{stored['Path']}/tags",
        "/nowhere",
        "/studies/x",
        "/system",
    ):
        headers = server.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
