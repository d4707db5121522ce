"""Another validator, dciodvfy of dicom3tools, finds nothing wrong with products that sources had not."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.profile.facts import OPTIONS, types
from tests.profile.objects import DIRECTORY, filled
from tests.profile.products import product

PROGRAM = shutil.which("dciodvfy")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(PROGRAM is None and not os.environ.get("CI"), reason="dicom3tools are not installed"),
]
EVERY_CLASS = [sop_class for sop_class in types().sop_classes if sop_class != DIRECTORY]
# Errors name values, places of items and lengths, which differ without being others.
_VALUE = re.compile(r"(?<!Element=)(?<!Module=)<[^>]*>|'.'|(?<!Type )\d+")

# The option for institutions keeps the name of the committee; its approval number, which the condition
# asks for, goes under every option.
_OF_AN_OPTION = "Element=<ClinicalTrialProtocolEthicsCommitteeName>"


def errors(data: bytes, folder: Path) -> set[str]:
    """Return the kinds of errors in a file."""
    assert PROGRAM
    file = folder / "instance.dcm"
    file.write_bytes(data)
    run = subprocess.run([PROGRAM, str(file)], capture_output=True, check=False)
    assert run.returncode in {0, 1}, run.stderr[-300:]
    lines = run.stderr.decode("latin-1").splitlines()
    return {_VALUE.sub("", line) for line in lines if line.startswith("Error")}


def test_it_sees_what_an_older_edition_leaves_invalid(tmp_path: Path) -> None:
    data = filled("1.2.840.10008.5.1.4.1.1.481.5").file()
    new = errors(product(data, edition="2023b"), tmp_path) - errors(data, tmp_path)
    assert any("Element=<RTPlanLabel>" in error for error in new)


@pytest.mark.parametrize("options", [(), OPTIONS], ids=["basic", "all options"])
@pytest.mark.parametrize("depth", [0, 99], ids=["flat", "full"])
def test_no_product_has_an_error_that_its_source_has_not(
    depth: int, options: tuple[str, ...], tmp_path: Path
) -> None:
    found = {}
    for sop_class in EVERY_CLASS:
        data = filled(sop_class, depth).file()
        new = errors(product(data, *options), tmp_path) - errors(data, tmp_path)
        new = {error for error in new if not (options and _OF_AN_OPTION in error)}
        if new:
            found[sop_class] = new
    assert not found, found
