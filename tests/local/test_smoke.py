"""The smoke test, against a server in a process of its own; and against one that is not as it should be."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.local.conftest import Server
from tools.smoke.__main__ import ordered, report
from tools.smoke.client import Answer, Client, Headers, over_http
from tools.smoke.steps import Outcome, Run, carry_out

DEPLOY = Path(__file__).parents[2] / "docs/operations/deploy.md"


def _run(server: Server, transport: Any = over_http) -> Run:
    return Run(Client(f"http://127.0.0.1:{server.port}", transport=transport), images=20)


def _results(run: Run) -> dict[str, Outcome]:
    return {one.name: one for one in carry_out(run, ordered())}


def test_a_server_holds_and_has_nothing_left_of_it(server: Any, capsys: pytest.CaptureFixture[str]) -> None:
    run = _run(server)
    outcomes = report(run)
    assert {one.result for one in outcomes} == {"held", "left out"}
    assert sum(one.result == "held" for one in outcomes) == 13
    assert run.client.get("/patients").json == []
    told = capsys.readouterr().out
    assert re.search(r"13 held, 0 failed, \d+ left out; \d+ calls, 33 images stored, 51 edited", told)


@pytest.mark.slow
def test_a_server_takes_what_arrives_in_its_watched_folder(make_server: Any, tmp_path: Path) -> None:
    incoming = tmp_path / "in"
    run = _run(make_server("--incoming", str(incoming)))
    run.incoming = incoming
    (outcome,) = carry_out(run, [one for one in ordered() if one.name == "arrivals"])
    assert outcome.result == "held", outcome.told
    assert len(run.client.get("/instances").json) == 2
    assert list(incoming.iterdir()) == []


class _Tampering:
    """Changes answers of one route on their way."""

    def __init__(self, method: str, path: str, status: int, body: bytes) -> None:
        self._asked = method, re.compile(path)
        self._answer = Answer(status, {}, body)

    def __call__(self, method: str, address: str, body: bytes, headers: Headers) -> Answer:
        if method == self._asked[0] and self._asked[1].search(address):
            return self._answer
        return over_http(method, address, body, headers)


@pytest.mark.parametrize(
    ("tampering", "name"),
    [
        (_Tampering("GET", "/file$", 200, b"another file"), "uploads and lists"),
        (_Tampering("GET", "/system$", 500, b""), "the server answers"),
        (_Tampering("DELETE", "/labels/seen$", 403, b""), "metadata and labels"),
        (_Tampering("POST", "/tools/bulk-delete$", 200, b""), "deletion"),
    ],
    ids=["bytes", "status", "refusal", "nothing done"],
)
@pytest.mark.slow
def test_what_is_not_as_it_should_be_is_found(server: Any, tampering: _Tampering, name: str) -> None:
    assert _results(_run(server, tampering))[name].result == "failed"


def test_everything_that_only_a_real_account_shows_is_a_step() -> None:
    text = (
        DEPLOY.read_text(encoding="utf-8")
        .partition("## What only a real account shows\n")[2]
        .partition("\n## ")[0]
    )
    rows = re.findall(r"^\| (.+?) \|", text, re.MULTILINE)[1:]
    listed = [row for row in rows if set(row) - set("-")]
    assert len(listed) > 15
    assert set(listed) <= {one.name for one in ordered()}
