"""The engine and the oracle do the same to every file, or both refuse it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dicomorph.dicom.engine.identity_mapper import IdentityMapper
from dicomorph.dicom.engine.rewriter import Rewriter
from dicomorph.model.errors import DicomorphError
from dicomorph.model.resources import Level
from tests.compat.data_sets import comparable
from tests.compat.oracle import Oracle
from tests.compat.plans import MATRIX, Request
from tests.compat.samples import REFUSED, UNWRITABLE, generated_elsewhere, generated_files, sample_files
from tests.support.edits import KEY, NAME, edited, rewriter

# Of the files, a fast run takes some for each request, others for the next one.
SAMPLE_STEP, GENERATED_STEP = 37, 7
LARGE = 200_000  # bytes; these are left to the slow run


def pair(request: Request) -> tuple[Rewriter, Oracle]:
    level = Level(request.level)
    oracle = Oracle(
        request.body, anonymize=request.anonymize, level=request.level, name=NAME, mapper=IdentityMapper(KEY)
    )
    return rewriter(request.body, anonymize=request.anonymize, level=level), oracle


def difference(data: bytes, engine: Rewriter, oracle: Oracle) -> str:
    """Return what differs between the two, empty if nothing does."""
    try:
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


def compare(name: str, files: dict[str, bytes]) -> None:
    engine, oracle = pair(MATRIX[name])
    differences = {
        path: difference(data, engine, oracle) for path, data in files.items() if path not in UNWRITABLE
    }
    assert {path: text for path, text in differences.items() if text and path not in REFUSED} == {}
    for path in REFUSED.keys() & files.keys():
        with pytest.raises(DicomorphError):
            edited(files[path], engine)


def read(paths: tuple[Path, ...]) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in paths}


@pytest.mark.parametrize("name", MATRIX)
def test_some_files_come_out_alike(name: str) -> None:
    turn = list(MATRIX).index(name)
    small = tuple(path for path in sample_files() if path.stat().st_size < LARGE)
    generated = list(generated_files().items())[turn % GENERATED_STEP :: GENERATED_STEP]
    compare(name, read(small[turn % SAMPLE_STEP :: SAMPLE_STEP]) | dict(generated))


@pytest.mark.slow
@pytest.mark.parametrize("name", MATRIX)
def test_all_files_come_out_alike(name: str, tmp_path: Path) -> None:
    compare(name, read(sample_files()) | generated_files() | read(tuple(generated_elsewhere(tmp_path))))


def test_there_are_sample_files_of_every_encoding() -> None:
    """Guard against a pydicom that ships fewer of them."""
    assert len(sample_files()) > 100
    assert {path.name for path in sample_files()} >= set(REFUSED)
