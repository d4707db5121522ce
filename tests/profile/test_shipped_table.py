"""The table that the product ships: equal to the standard's, and no row of it can change unseen."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.profile.expectation import ETHICS_COMMITTEE_NAME, SETTLED, Expectations
from tests.profile.facts import OPTIONS, ROWS
from tests.profile.objects import UNKNOWN_SOP_CLASS

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "layers" / "dicomorph" / "dicomorph"
TABLE = Path("deid") / "tables" / "confidentiality_profile_2026d.json"
COLUMNS = {
    "RetainUIDs": "retain_uids",
    "RetainDeviceIdentity": "retain_device_identity",
    "RetainInstitutionIdentity": "retain_institution_identity",
    "RetainPatientCharacteristics": "retain_patient_characteristics",
    "RetainLongitudinalFullDates": "retain_longitudinal_full_dates",
    "RetainSafePrivate": "retain_safe_private",
}
CURVES, PRIVATE = "50xxxxxx", "ggggeeee"
KNOWN_SOP_CLASS = "1.2.840.10008.5.1.4.1.1.12.2"  # X-Ray radiofluoroscopic image
ICONS = 0x00880200

# Prints the places at which instances with every row come out otherwise than they should.
JUDGE = """
import sys
from tests.profile.expectation import Expectations
from tests.profile.objects import UNKNOWN_SOP_CLASS, crowded
from tests.profile.products import product
from tests.profile.verdicts import judged
options = sys.argv[2:]
for sop_class in (UNKNOWN_SOP_CLASS, sys.argv[1]):
    built = crowded(sop_class)
    verdict = judged(built, product(built.file(), *options), Expectations(options))
    for place in verdict.leaks | verdict.over_removed | verdict.wrong:
        print(place.partition(":")[0])
"""


def shipped() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((PACKAGE / TABLE).read_text("ascii"))
    return found


def test_it_says_what_the_standard_says() -> None:
    document = shipped()
    found = {}
    for tag, cells in document["rows"].items():
        basic, _, letters = cells.partition(" ")
        by_column = dict(zip(document["options"], letters, strict=False))
        options = {name: by_column.get(column, ".") for name, column in COLUMNS.items()}
        found[tag] = basic, {name: letter for name, letter in options.items() if letter != "."}
    assert len(found) == 657
    assert found.pop(CURVES) == ("X", {})
    assert found.pop(PRIVATE) == ("X", {"RetainSafePrivate": "C"})
    numbers = {int(tag.replace("xx", "00"), 16): row for tag, row in found.items()}
    assert numbers == {tag: (row.basic, row.options) for tag, row in ROWS.items()}


@pytest.mark.slow
@pytest.mark.parametrize("action", ["X", "Z", "D", "K"])
def test_any_row_with_another_action_is_seen(action: str, tmp_path: Path) -> None:
    rows = shipped()["rows"]
    for tag in _told_by_rows():
        rows[f"{tag:08x}"] = f"{action} {rows[f'{tag:08x}'].partition(' ')[2]}"
    seen = _judged(tmp_path, rows)
    told = _told_by_rows()
    altered = Expectations(rows={tag: replace(ROWS[tag], basic=action) for tag in told})
    differing = {
        tag
        for tag in told
        if any(Expectations().differs(altered, place, tag) for place in (UNKNOWN_SOP_CLASS, KNOWN_SOP_CLASS))
    }
    assert len(differing) > 150
    assert differing <= seen


@pytest.mark.slow
@pytest.mark.parametrize("option", [name for name in OPTIONS if name != "RetainSafePrivate"])
def test_any_row_that_an_option_no_longer_keeps_is_seen(option: str, tmp_path: Path) -> None:
    altered = {tag: cells.partition(" ")[0] for tag, cells in shipped()["rows"].items()}
    kept = {tag for tag, row in ROWS.items() if row.options.get(option) == "K"}
    references = {tag for tag in kept if ROWS[tag].basic == "X/Z/U*"}  # kept all the same, and mapped
    seen = _judged(tmp_path, altered, option)
    assert (kept & _told_by_rows()) - references <= seen


def _told_by_rows() -> set[int]:
    """Return the attributes of data sets whose outcome the row alone decides."""
    replaced = {ICONS, 0x00100010, 0x00100020, 0x0020000D, 0x0020000E, 0x00080018}
    return {
        tag
        for tag in ROWS
        if tag >= 0x00080000 and tag >> 24 != 0x60 and tag not in {*SETTLED, *replaced, ETHICS_COMMITTEE_NAME}
    }


def _judged(folder: Path, rows: dict[str, str], *options: str) -> set[int]:
    """Return the attributes that come out wrong where the product has a table with other rows."""
    shutil.copytree(PACKAGE, folder / "dicomorph", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "dicomorph" / TABLE).write_text(json.dumps({**shipped(), "rows": rows}), "ascii")
    environment = {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-c", JUDGE, KNOWN_SOP_CLASS, *options]
    run = subprocess.run(command, env=environment, check=False, capture_output=True, text=True, cwd=folder)
    assert not run.returncode, run.stderr
    return {int(place.rpartition("/")[2], 16) for place in run.stdout.split()}
