"""What pages of other sites achieve in a real browser: Debian's Chromium, without which CI fails."""

from __future__ import annotations

import http.server
import json
import os
import queue
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local.conftest import Server

NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
IS_CI = bool(os.environ.get("CI"))
OPTIONS = (
    *(
        "--headless",
        "--no-sandbox",
        "--disable-popup-blocking",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
    ),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
MAPPED = "--host-resolver-rules=MAP evil.example 127.0.0.1"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.always,
    pytest.mark.skipif(CHROMIUM is None and not IS_CI, reason="Chromium is not installed"),
]

PAGE = """<!doctype html><title>Another site</title><script>
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
  upload: () => fetch(server + "/instances", {method: "POST", mode: "no-cors", body: new Blob(["DICM"])}),
  label: () => fetch(server + "/patients/" + patient + "/labels/x", {method: "PUT"})
    .then(answer => answer.status),
  tunnelled: () => fetch(server + "/patients/" + patient, {method: "POST", headers:
    {"X-HTTP-Method-Override": "DELETE"}}).then(answer => answer.status),
  beacon: () => Promise.resolve(navigator.sendBeacon(server + "/patients/" + patient + "/anonymize", "{}")),
  script: () => new Promise(done => { const script = document.createElement("script");
    script.onload = () => done("ran"); script.onerror = () => done("refused");
    script.src = server + "/patients"; document.body.append(script); }),
  sandboxed: () => new Promise(done => { const frame = document.createElement("iframe");
    frame.sandbox = "allow-scripts"; frame.onload = () => setTimeout(done, 300);
    const erasing = server + "/patients/" + patient + "?_method=DELETE";
    frame.srcdoc = `<script>fetch("${erasing}", {mode: "no-cors"})</` + "script>";
    document.body.append(frame); }),
  opened: () => new Promise(done => { window.open(server + "/patients/" + patient + "?_method=DELETE");
    setTimeout(done, 300); }),
};
(async () => {
  const seen = {};
  for (const [name, attempt] of Object.entries(tries))
    seen[name] = await attempt().then(String, error => "failed: " + error.message);
  await fetch("/seen", {method: "POST", body: JSON.stringify(seen)});
})();
</script>"""


@pytest.fixture(autouse=True, scope="module")
def _browser() -> None:
    assert CHROMIUM is not None, f"None of these is installed: {', '.join(NAMES)}"


def command(profile: Path, *arguments: str) -> list[str]:
    return [str(CHROMIUM), *OPTIONS, f"--user-data-dir={profile}", MAPPED, *arguments]


def dom(address: str, profile: Path) -> str:
    """Return what a page looks like."""
    shown = subprocess.run(
        command(profile, "--dump-dom", address), capture_output=True, text=True, check=True, timeout=60
    )
    return shown.stdout


class Site(http.server.ThreadingHTTPServer):
    """Another site, with one page, which tells it what it could see."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Visit)
        self.page = ""
        self.seen = queue.Queue[dict[str, str]]()

    def visited(self, name: str, profile: Path) -> dict[str, str]:
        """Open the page in a browser and return what it saw."""
        address = f"http://{name}:{self.server_address[1]}/"
        browser = subprocess.Popen(
            command(profile, "--remote-debugging-port=0", address),
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return self.seen.get(timeout=60)
        finally:
            os.killpg(browser.pid, signal.SIGKILL)
            browser.wait()


class Visit(http.server.BaseHTTPRequestHandler):
    """A browser's request to the other site."""

    server: Site

    def do_GET(self) -> None:
        page = self.server.page.encode() if self.path == "/" else b""
        self._answer(page)

    def do_POST(self) -> None:
        self.server.seen.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self._answer(b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        pass

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as site:
        threading.Thread(target=site.serve_forever, daemon=True).start()
        yield site
        site.shutdown()


@pytest.mark.parametrize("name", ["localhost", "evil.example"])
def test_a_page_of_another_site_neither_reads_nor_changes(
    server: Server, study: list[Path], tmp_path: Path, site: Site, name: str
) -> None:
    stored = server.upload(study[0])
    site.page = PAGE % (f"http://localhost:{server.port}", stored["ParentPatient"])
    seen = site.visited(name, tmp_path / "profile")
    assert seen["read"] == seen["erase"] == "failed: Failed to fetch"
    assert seen["label"] == seen["tunnelled"] == "failed: Failed to fetch"
    assert seen["script"] == "refused"
    assert {"blind", "bulk", "image", "frame", "form", "upload", "beacon", "sandboxed", "opened"} <= set(seen)
    assert server.counts() == (1, 1, 1, 1)
    assert server.get("/jobs").json == []
    assert server.get(f"/patients/{stored['ParentPatient']}/labels").json == []


def test_a_name_that_is_made_to_lead_here_shows_nothing(
    server: Server, study: list[Path], tmp_path: Path
) -> None:
    patient = str(server.upload(study[0])["ParentPatient"])
    shown = dom(f"http://evil.example:{server.port}/patients", tmp_path / "profile")
    assert "Misdirected Request" in shown
    assert patient not in shown
    assert patient in dom(f"http://localhost:{server.port}/patients", tmp_path / "profile")


def test_an_allowed_page_reads(
    make_server: Callable[..., Any], study: list[Path], tmp_path: Path, site: Site
) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"AllowedOrigins": [f"http://localhost:{site.server_address[1]}"]}))
    server = make_server("--settings", str(settings))
    patient = server.upload(study[0])["ParentPatient"]
    site.page = PAGE % (f"http://localhost:{server.port}", patient)
    seen = site.visited("localhost", tmp_path / "profile")
    assert json.loads(seen["read"])[0]["ID"] == patient
    assert seen["erase"] == "200"
    assert server.counts() == (0, 0, 0, 0)


def test_people_find_a_page(server: Server, tmp_path: Path) -> None:
    shown = dom(f"http://127.0.0.1:{server.port}/", tmp_path / "profile")
    assert "anonymizes and modifies DICOM images" in shown
