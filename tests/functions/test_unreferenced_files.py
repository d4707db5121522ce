"""The operations manual finds files that nothing refers to."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

from tests.support.api_client import Client

PAGE = Path(__file__).parents[2] / "docs/operations/recover.md"


def script() -> str:
    """Return the code of the section."""
    lines = PAGE.read_text("utf-8").partition("## Files that nothing refers to")[2].splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("    "))
    last = next(number for number, line in enumerate(lines) if number > first and not line.startswith("    "))
    return textwrap.dedent("\n".join(lines[first:last]))


def test_only_files_without_an_entry_are_listed(client: Client, tmp_path: Path) -> None:
    client.upload("A")
    gone = client.upload("B")
    client.backend.objects.put("instances/ab/ab-nobody.dcm", b"x")
    client.delete(gone["Path"])
    command = [sys.executable, "-c", script(), str(tmp_path)]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert listed == [str(tmp_path / "objects/instances/ab/ab-nobody.dcm")]
