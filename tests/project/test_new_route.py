"""A route is written once: whoever adds one writes four files, and all else follows from the table."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.template import Route, read_routes, read_template

ROOT = Path(__file__).parents[2]
COPIED = (
    ".github", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "SECURITY.md",
    "docs", "events", "functions", "layers/dicomorph", "local", "pyproject.toml",
    "statemachines", "template.yaml", "tests", "tools",
)  # fmt: skip
PACKAGE = "layers/dicomorph/dicomorph"

USE_CASE = '''\
"""The time that it will be in a day."""

from __future__ import annotations

from datetime import timedelta

from dicomorph.services.backend import Backend


def tomorrow(backend: Backend) -> str:
    """Return the time in UTC, a day ahead."""
    return f"{backend.now() + timedelta(days=1):%Y%m%dT%H%M%S}"
'''
ROW = """\
        Row("GET", "/tools/tomorrow", "system", READ,
            "Tell what time it will be in a day.",
            answers=(TEXT,), remark="not in Orthanc"),
"""
IMPORT = "from dicomorph.services.server.tomorrow import tomorrow\n"
HANDLER = '''\
@app.get("/tools/tomorrow")
def show_tomorrow() -> Response[str]:
    """Tell what time it will be in a day."""
    return text_answer(tomorrow(get_backend()))


'''
TEST = """\
from datetime import UTC, datetime

from tests.support.api_client import Client, Clock


def test_tomorrow_is_a_day_ahead(client: Client, clock: Clock) -> None:
    clock.moment = datetime(2024, 2, 28, 12, 30, 5, tzinfo=UTC)
    answer = client.get("/tools/tomorrow")
    assert (answer.body, answer.headers["content-type"]) == (b"20240229T123005", "text/plain")
"""
BY_HAND = {
    f"{PACKAGE}/services/server/tomorrow.py",
    f"{PACKAGE}/http/routes.py",
    "functions/system/app.py",
    "tests/functions/test_tomorrow.py",
}
GENERATED = {"template.yaml", "docs/openapi.json", "docs/compatibility.md"}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository, to which a route was added."""
    copy = tmp_path_factory.mktemp("repository")
    for name in COPIED:
        source, target = ROOT / name, copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    (copy / f"{PACKAGE}/services/server/tomorrow.py").write_text(USE_CASE)
    _insert(copy / f"{PACKAGE}/http/routes.py", ROW, behind='    "Server": (\n')
    handlers = copy / "functions/system/app.py"
    _insert(handlers, IMPORT, behind="from dicomorph.services.server.system import system\n")
    _insert(handlers, HANDLER, behind="app = build_resolver(get_backend)\n\n\n")
    (copy / "tests/functions/test_tomorrow.py").write_text(TEST)
    # As in a repository whose environment is there.
    _run(copy, "make", "-s", "-o", "setup", "generated", f"BIN={Path(sys.executable).parent}")
    return copy


def _insert(file: Path, text: str, *, behind: str) -> None:
    before, found, after = file.read_text().partition(behind)
    assert found
    file.write_text(before + found + text + after)


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(
        command, cwd=folder, env=_environment(folder), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _environment(folder: Path) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {**ours, "PYTHONPATH": f"{folder / 'layers/dicomorph'}:{folder}"}


def _files(folder: Path) -> dict[str, bytes]:
    paths = (path for name in COPIED for path in ((folder / name), *(folder / name).rglob("*")))
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in paths
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_four_files_are_written_by_hand(copy: Path) -> None:
    before, after = _files(ROOT), _files(copy)
    assert before.keys() <= after.keys()
    changed = {name for name, content in after.items() if before.get(name) != content}
    assert changed == BY_HAND | GENERATED


def test_the_template_has_the_path(copy: Path) -> None:
    routes = list(read_routes(read_template(copy / "template.yaml")))
    assert [route for route in routes if route.resource == "/tools/tomorrow"] == [
        Route("GET", "/tools/tomorrow", "functions/system"),
        Route("ANY", "/tools/tomorrow", "functions/unmatched"),
    ]
    assert {route for route in routes if route.resource != "/tools/tomorrow"} == set(
        read_routes(read_template())
    )


def test_the_description_has_the_operation_with_its_answer(copy: Path) -> None:
    page = json.loads((copy / "docs/openapi.json").read_text())
    assert page["paths"]["/tools/tomorrow"] == {
        "get": {
            "operationId": "getToolsTomorrow",
            "summary": "Tell what time it will be in a day.",
            "tags": ["Server"],
            "x-permission": "read",
            "responses": {
                "200": {
                    "description": "`text/plain`.",
                    "content": {"text/plain": {"schema": {"type": "string"}}},
                },
                "default": {"$ref": "#/components/responses/Error"},
            },
        }
    }


def test_the_page_of_compatibility_lists_it(copy: Path) -> None:
    text = (copy / "docs/compatibility.md").read_text()
    assert "\n| `/tools/tomorrow` | GET | not in Orthanc |\n" in text


@pytest.fixture
def address(copy: Path, tmp_path: Path) -> Iterator[str]:
    """The address of the copy's server."""
    command = [
        sys.executable,
        "-m",
        "local",
        "--port",
        "0",
        "--data",
        str(tmp_path / "data"),
        "--workers",
        "1",
    ]
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            command, cwd=copy, env=_environment(copy), stdout=subprocess.PIPE, stderr=log, text=True
        )
    assert process.stdout is not None
    try:
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert found, (tmp_path / "log").read_text()
        yield found[0]
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()


def test_the_server_for_one_machine_serves_it(address: str) -> None:
    with urllib.request.urlopen(f"{address}/tools/tomorrow") as answer:
        assert answer.headers["Content-Type"] == "text/plain"
        assert re.fullmatch(rb"\d{8}T\d{6}", answer.read())


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_nothing_else_is_asked_for(copy: Path) -> None:
    asking = (
        "tests/unit/http/test_routes.py", "tests/functions/test_tomorrow.py",
        "tests/functions/test_events.py", "tests/template/test_generated_parts.py",
        "tests/template/test_openapi.py", "tests/template/test_routes.py", "tests/template/test_rules.py",
        "tests/template/test_limits.py", "tests/project/test_documentation.py",
    )  # fmt: skip
    _run(copy, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *asking)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_its_permissions_are_known(copy: Path) -> None:
    _run(
        copy,
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "tests/template/test_granted_actions.py",
    )
