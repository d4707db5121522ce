"""The README's commands, run one after the other, answer what it shows."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.greeting import Address, greeting

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()

# What differs from one run to the next: Orthanc ids, ids of jobs, UIDs, times.
CHANGING = re.compile(
    r"[0-9a-f]{8}(?:-[0-9a-f]{8}){4}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|2\.25\.[0-9]+"
    r"|[0-9]{8}T[0-9]{6}(?:\.[0-9]+)?"
)


def examples() -> Iterator[tuple[str, str]]:
    """Yield the commands of the console blocks with the output shown below each."""
    for block in re.findall(r"```console\n(.*?)```", README, re.DOTALL):
        for example in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, output = example.partition("\n")
            while command.endswith("\\"):
                more, _, output = output.partition("\n")
                command = command[:-1] + more.lstrip()
            yield command, output


def run(command: str, folder: Path, url: str) -> str:
    bin_folder = f"{Path(sys.executable).parent}/"
    command = command.replace("http://127.0.0.1:8042", url).replace(".venv/bin/", bin_folder)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def watching(folder: Path) -> list[str]:
    """Write the settings of the README's watched folder; return the options of the server that it starts."""
    commands = [command for command, _ in examples()]
    [begun] = (command for command in commands if "INCOMING=" in command)
    run(commands[commands.index(begun) - 1], folder, "")
    found = re.fullmatch(r'make run INCOMING=\./(\S+) ARGS="--settings (\S+)"', begun)
    assert found is not None
    return ["--incoming", str(folder / found[1]), "--settings", str(folder / found[2])]


def test_the_readmes_tour_answers_what_it_shows(
    make_server: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    server = make_server(*watching(tmp_path))
    variables = ""
    ran = 0
    for command, shown in examples():
        if command.startswith(("git ", "cd ", "make ")):
            continue
        assert not CHANGING.search(command), "An id that differs in each run is carried by a variable"
        output = run(variables + command, tmp_path, f"http://127.0.0.1:{server.port}")
        assert CHANGING.sub("…", output).strip() == CHANGING.sub("…", shown).strip(), command
        if re.match("[A-Z]+=", command):
            variables += f"{command}\n"
        ran += 1
    assert ran >= 12


def test_what_make_run_prints_is_what_the_readme_shows() -> None:
    shown = dict(examples())["make run"]
    assert shown.strip() in greeting(Address("127.0.0.1", 8042), Path("data"))


def test_every_target_and_file_that_the_readme_names_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", README)) <= targets
    for link in re.findall(r"\]\((?!http)([^)#]+)", README):
        assert (ROOT / link).exists(), link
