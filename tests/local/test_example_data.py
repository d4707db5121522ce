"""What docs/examples.md works on can be stored by its one command, and its commands followed by hand."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/examples.md").read_text("utf-8")
SCRIPT = """\
set -eu
eval "$({python} -m local.example_data $SERVER)"
curl -sf $SERVER/instances/$INSTANCE/anonymize -d '{{}}' -o anonymized.dcm
curl -sf $SERVER/studies/$STUDY/anonymize -d '{{}}' >/dev/null
curl -sf $SERVER/patients/$STRANGERS_PATIENT >/dev/null
for id in $(curl -s $SERVER/patients | grep -oE '[0-9a-f-]{{44}}'); do
  curl -sf -o /dev/null -X DELETE $SERVER/patients/$id
done
eval "$({python} -m local.example_data $SERVER)"
curl -s "$SERVER/patients/$PATIENT/studies?expand=false" | grep -cE '[0-9a-f-]{{44}}'
{take_down}
exec 3>&1 >/dev/null
curl $SERVER/series/$SERIES/anonymize -d '{{"Asynchronous": true}}'
echo $NEW >&3
curl $SERVER/jobs/$NEW
curl -X PUT $SERVER/patients/$PATIENT/labels/trial-7
curl $SERVER/patients/$PATIENT/modify -d '{{"Replace": {{"PatientID": "1"}}, "Force": true,
  "KeepLabels": true}}'
curl $SERVER/patients/$NEW/labels >&3
"""


def line(beginning: str) -> str:
    """Return a line of the page that is to be typed."""
    (found,) = (line.strip() for line in PAGE.splitlines() if line.startswith(f"    {beginning}"))
    return found


def test_the_page_of_examples_can_be_followed(make_server: Callable[..., Any], tmp_path: Path) -> None:
    server = make_server()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "SERVER": f"http://127.0.0.1:{server.port}"}
    done = subprocess.run(
        ["bash", "-c", SCRIPT.format(python=sys.executable, take_down=line("curl()"))],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    number, job, *labels = done.stdout.split()
    assert number == "2"
    assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", job)
    assert json.loads("".join(labels)) == ["trial-7"]
    assert (tmp_path / "anonymized.dcm").read_bytes()[128:132] == b"DICM"
    assert (tmp_path / "report.pdf").exists()
    assert server.counts()[3] == 5 + 2 + 4
