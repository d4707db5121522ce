"""The scripts of docs/uploading.md, on a server."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SCRIPTS = {
    "upload.sh": ["sh", "docs/uploading/upload.sh"],
    "upload.py": [sys.executable, "docs/uploading/upload.py"],
}


@pytest.fixture(params=SCRIPTS)
def script(request: pytest.FixtureRequest) -> list[str]:
    return SCRIPTS[request.param]


def run(script: list[str], server: Any, file: Path) -> tuple[int, dict[str, Any]]:
    """Run a script; return its status and the upload that it shows."""
    address = f"http://127.0.0.1:{server.port}"
    done = subprocess.run(
        [*script, address, str(file)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_script_sends_a_file_and_shows_where_it_is(
    script: list[str], server: Any, study: list[Path]
) -> None:
    status, shown = run(script, server, study[0])
    assert (status, shown["State"]) == (0, "Success")
    assert server.get(f"{shown['Content']['Path']}/file").body == study[0].read_bytes()


def test_a_script_says_why_a_file_is_not_stored(script: list[str], server: Any, tmp_path: Path) -> None:
    (tmp_path / "report.pdf").write_bytes(b"%PDF-1.7" + bytes(1000))
    status, shown = run(script, server, tmp_path / "report.pdf")
    assert (status, shown["State"], shown["ErrorCode"]) == (1, "Failure", 15)
    assert server.counts() == (0, 0, 0, 0)


def test_the_page_names_each_script_and_each_can_be_run() -> None:
    page = (ROOT / "docs/uploading.md").read_text()
    for name in SCRIPTS:
        assert f"docs/uploading/{name}" in page
        assert os.access(ROOT / "docs/uploading" / name, os.X_OK)


def test_the_page_shows_an_offer_as_the_server_makes_it(server: Any) -> None:
    page = (ROOT / "docs/uploading.md").read_text()
    found = re.search(r"/uploads -d '(.*)'\n.*\n.*```json\n(.*?)```", page, re.DOTALL)
    assert found is not None
    offer, shown = server.post("/uploads", found[1]).json, json.loads(found[2])
    assert offer.keys() == shown.keys()
    assert {name: offer[name] for name in ("Headers", "Method", "Size")} == {
        name: shown[name] for name in ("Headers", "Method", "Size")
    }
    hidden = re.compile(r"[0-9a-f]{32}|:\d+")
    assert hidden.sub("", offer["Url"]) == hidden.sub("", shown["Url"])
