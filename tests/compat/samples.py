"""Files that the engine and the oracle are compared on."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from unittest import mock

import pydicom

from tests.benchmarks import files
from tests.dicom_factory import BIG, CODECS, DEFLATED, EXPLICIT, IMPLICIT, JPEG, rich_file

BUNDLED = Path(pydicom.__file__).parent / "data"
SHARED = Path(__file__).parents[3] / "shared"
RECORDED = SHARED / "golden" / "visible" / "files"
GENERATOR = SHARED / "bench" / "generate_dicom.py"
OTHER_FILES = {".py", ".pyc", ".json", ".md", ".txt", ".dump", ".gz", ".icc", ""}

# What the engine refuses, though pydicom makes something of it (docs/adr/0008).
REFUSED = {
    "no_meta.dcm": "begins in the middle of an element",
    "MR_truncated.dcm": "cut off",
    "rtplan_truncated.dcm": "cut off",
}
# What pydicom reads and cannot write: implicit VR under the transfer syntax of compressed pixel data.
UNWRITABLE = {"SC_rgb_jpeg.dcm"}


@cache
def sample_files() -> tuple[Path, ...]:
    """Return the files that come with pydicom, and recorded ones where they are at hand."""
    bundled = [path for path in sorted(BUNDLED.rglob("*")) if path.is_file() and _is_dicom(path)]
    return (*bundled, *(sorted(RECORDED.iterdir()) if RECORDED.is_dir() else ()))


def _is_dicom(path: Path) -> bool:
    # TINY_ALPHA holds fifty files that differ by a number.
    return "TINY_ALPHA" not in path.parts and (path.suffix not in OTHER_FILES or path.name[:1].isdigit())


@cache
def generated_files() -> dict[str, bytes]:
    """Return files with something of everything, in each encoding and character set."""
    charsets = [charset for charset in CODECS if charset]
    rich = {
        f"rich {syntax} {charset}": rich_file(syntax=syntax, charset=charset)
        for syntax, charset in product((EXPLICIT, IMPLICIT, BIG, DEFLATED, JPEG), charsets)
    }
    return {
        **rich,
        "ct": files.ct(),
        "ct implicit": files.ct(IMPLICIT),
        "enhanced": files.enhanced(5),
        "structure set": files.structure_set(2, 3, 4),
    }


def generated_elsewhere(folder: Path) -> Iterator[Path]:
    """Make small objects with the generator of large ones, if that is at hand."""
    if not GENERATOR.exists():
        return
    spec = importlib.util.spec_from_file_location("generate_dicom", GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with mock.patch.object(sys, "argv", [str(GENERATOR), str(folder), "--only", "nothing"]):
        spec.loader.exec_module(module)
    for undefined in (False, True):
        yield Path(
            module.enh(str(folder / f"enhanced{undefined}.dcm"), 8, 8, 6, rich=True, undefined=undefined)
        )
    yield Path(module.sr(str(folder / "sr.dcm"), groups=11, depth=3))
    yield Path(module.rtstruct(str(folder / "rtstruct.dcm"), rois=2, contours=3, pts=4))
