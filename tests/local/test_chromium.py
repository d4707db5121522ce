"""What pages of other sites achieve in a real browser: Debian's Chromium, where it is installed."""

from __future__ import annotations

import functools
import http.server
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local.conftest import Server

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--virtual-time-budget=10000", "--dump-dom"),
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(120),
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]

PAGE = """<!doctype html><pre id="seen"></pre><script>
const server = "%s", patient = "%s";
const tries = {
  read: () => fetch(server + "/patients?expand").then(answer => answer.text()),
  blind: () => fetch(server + "/patients/" + patient, {method: "POST", mode: "no-cors"}),
  erase: () => fetch(server + "/patients/" + patient, {method: "DELETE"}).then(answer => answer.status),
  bulk: () => fetch(server + "/tools/bulk-delete", {method: "POST", mode: "no-cors",
    headers: {"Content-Type": "text/plain"}, body: JSON.stringify({Resources: [patient]})}),
  image: () => new Promise(done => { const image = new Image(); image.onload = image.onerror = done;
    image.src = server + "/patients/" + patient + "?_method=DELETE"; }),
  frame: () => new Promise(done => { const frame = document.createElement("iframe"); frame.onload = done;
    frame.src = server + "/patients?expand"; document.body.append(frame); }),
  form: () => new Promise(done => { const form = document.createElement("form"); form.method = "POST";
    form.action = server + "/patients/" + patient + "/anonymize"; form.target = "elsewhere";
    const frame = document.createElement("iframe"); frame.name = "elsewhere"; frame.onload = done;
    document.body.append(frame, form); form.submit(); }),
};
(async () => {
  const seen = {};
  for (const [name, attempt] of Object.entries(tries))
    seen[name] = await attempt().then(String, error => "failed: " + error.message);
  document.getElementById("seen").textContent = JSON.stringify(seen);
})();
</script>"""


def dom(address: str, profile: Path, *options: str) -> str:
    """Return what a page looks like after its scripts have run."""
    command = [str(CHROMIUM), *OPTIONS, f"--user-data-dir={profile}", *options, address]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


@pytest.fixture
def serve_page(tmp_path: Path) -> Iterator[Callable[[str], int]]:
    """Serve a page as another site; return its port."""
    folder = tmp_path / "site"
    folder.mkdir()
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=site.serve_forever, daemon=True).start()

    def serve(page: str) -> int:
        (folder / "index.html").write_text(page)
        return int(site.server_address[1])

    yield serve
    site.shutdown()
    site.server_close()


def seen_by(page: str) -> dict[str, str]:
    found = re.search(r'<pre id="seen">(.*?)</pre>', page, re.DOTALL)
    assert found, page
    return dict(json.loads(found[1].replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">")))


@pytest.mark.parametrize("name", ["localhost", "evil.example"])
def test_a_page_of_another_site_neither_reads_nor_changes(
    server: Server, study: list[Path], tmp_path: Path, serve_page: Callable[[str], int], name: str
) -> None:
    stored = server.upload(study[0])
    port = serve_page(PAGE % (f"http://localhost:{server.port}", stored["ParentPatient"]))
    mapped = "--host-resolver-rules=MAP evil.example 127.0.0.1"
    seen = seen_by(dom(f"http://{name}:{port}/", tmp_path / "profile", mapped))
    assert seen["read"] == seen["erase"] == "failed: Failed to fetch"
    assert set(seen) == {"read", "blind", "erase", "bulk", "image", "frame", "form"}
    assert server.counts() == (1, 1, 1, 1)
    assert server.get("/jobs").json == []


def test_a_name_that_is_made_to_lead_here_shows_nothing(
    server: Server, study: list[Path], tmp_path: Path
) -> None:
    patient = str(server.upload(study[0])["ParentPatient"])
    mapped = "--host-resolver-rules=MAP evil.example 127.0.0.1"
    shown = dom(f"http://evil.example:{server.port}/patients", tmp_path / "profile", mapped)
    assert "Misdirected Request" in shown
    assert patient not in shown
    assert patient in dom(f"http://localhost:{server.port}/patients", tmp_path / "profile")


def test_an_allowed_page_reads(
    make_server: Callable[..., Any], study: list[Path], tmp_path: Path, serve_page: Callable[[str], int]
) -> None:
    port = serve_page("")
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"AllowedOrigins": [f"http://localhost:{port}"]}))
    server = make_server("--settings", str(settings))
    patient = server.upload(study[0])["ParentPatient"]
    serve_page(PAGE % (f"http://localhost:{server.port}", patient))
    seen = seen_by(dom(f"http://localhost:{port}/", tmp_path / "profile"))
    assert json.loads(seen["read"])[0]["ID"] == patient
    assert seen["erase"] == "200"
    assert server.counts() == (0, 0, 0, 0)


def test_people_find_a_page(server: Server, tmp_path: Path) -> None:
    shown = dom(f"http://127.0.0.1:{server.port}/", tmp_path / "profile")
    assert "anonymizes and modifies DICOM images" in shown
