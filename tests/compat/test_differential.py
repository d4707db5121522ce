"""The engine and the oracle do the same to every file, or both refuse it."""

from __future__ import annotations

import warnings
from functools import cache
from itertools import product
from pathlib import Path

import pydicom
import pytest

from dicomorph.dicom.rewriter import Rewriter
from dicomorph.dicom.uids import IdentityMapper
from dicomorph.model.errors import DicomorphError
from dicomorph.model.resources import Level
from tests.compat.data_sets import comparable
from tests.compat.oracle import Oracle
from tests.compat.plans import REQUESTS, Request
from tests.dicom_factory import BIG, CODECS, DEFLATED, EXPLICIT, IMPLICIT, JPEG, rich_file
from tests.support.edits import KEY, NAME, edited, rewriter

BUNDLED = Path(pydicom.__file__).parent / "data"
GOLDEN = Path(__file__).parents[3] / "shared" / "golden" / "visible" / "files"
OTHER_FILES = {".py", ".pyc", ".json", ".md", ".txt", ".dump", ".gz", ".icc", ""}
STEP = 3  # of the sample files, a fast run takes each one for every third request

# pydicom makes something of these; the engine refuses what it cannot be sure of.
REFUSED = {
    "winter.dcm": "SOPInstanceUID stands twice",
    "ExplVR_BigEndNoMeta.dcm": "big endian is not recognised without file meta information",
    "no_meta.dcm": "begins in the middle of an element",
    "MR_truncated.dcm": "cut off",
    "rtplan_truncated.dcm": "cut off",
}


@cache
def sample_files() -> tuple[Path, ...]:
    """Return the files that come with pydicom, and the golden ones where they are at hand."""
    bundled = [path for path in sorted(BUNDLED.rglob("*")) if path.is_file() and _is_dicom(path)]
    return (*bundled, *(sorted(GOLDEN.iterdir()) if GOLDEN.is_dir() else ()))


def _is_dicom(path: Path) -> bool:
    # TINY_ALPHA holds fifty files that differ by a number.
    return "TINY_ALPHA" not in path.parts and (path.suffix not in OTHER_FILES or path.name[:1].isdigit())


def pair(request: Request) -> tuple[Rewriter, Oracle]:
    level = Level(request.level)
    oracle = Oracle(
        request.body, anonymize=request.anonymize, level=request.level, name=NAME, mapper=IdentityMapper(KEY)
    )
    return rewriter(request.body, anonymize=request.anonymize, level=level), oracle


def difference(data: bytes, engine: Rewriter, oracle: Oracle) -> str:
    """Return what differs between the two, empty if nothing does."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = comparable(oracle.apply(data))
    except Exception as error:  # noqa: BLE001 - whatever pydicom raises for a broken file
        try:
            edited(data, engine)
        except DicomorphError:
            return ""
        return f"only the oracle refuses: {error!r}"
    try:
        found = comparable(edited(data, engine))
    except DicomorphError as error:
        return f"refused: {error.details}"
    missing, surplus = sorted({*expected} - {*found}), sorted({*found} - {*expected})
    if missing or surplus:
        return f"expected {str(missing[:3])[:300]}, found {str(surplus[:3])[:300]}"
    return "" if found == expected else "the order differs"


@pytest.mark.parametrize("name", REQUESTS)
def test_generated_files_come_out_alike(name: str) -> None:
    engine, oracle = pair(REQUESTS[name])
    charsets = [charset for charset in CODECS if charset]
    for syntax, charset in product((EXPLICIT, IMPLICIT, BIG, DEFLATED, JPEG), charsets):
        data = rich_file(syntax=syntax, charset=charset)
        assert not difference(data, engine, oracle), (syntax, charset)


def compare_samples(name: str, files: tuple[Path, ...]) -> None:
    engine, oracle = pair(REQUESTS[name])
    differences = {path.name: difference(path.read_bytes(), engine, oracle) for path in files}
    assert {at: text for at, text in differences.items() if text and at not in REFUSED} == {}
    for path in files:
        if path.name in REFUSED:
            assert differences[path.name].startswith("refused"), path.name


@pytest.mark.parametrize("name", REQUESTS)
def test_sample_files_come_out_alike(name: str) -> None:
    first = list(REQUESTS).index(name) % STEP
    compare_samples(name, sample_files()[first::STEP])


@pytest.mark.slow
@pytest.mark.parametrize("name", REQUESTS)
def test_all_sample_files_come_out_alike(name: str) -> None:
    compare_samples(name, sample_files())


def test_there_are_sample_files_of_every_encoding() -> None:
    """Guard against a pydicom that ships fewer of them."""
    assert len(sample_files()) > 100
    assert {path.name for path in sample_files()} >= set(REFUSED)
