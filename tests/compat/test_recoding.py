"""Real files in every encoding, as pydicom reads them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from dicomorph.model.errors import BadFileFormatError
from tests.compat.data_sets import read_file, rows
from tests.compat.samples import REFUSED, generated_elsewhere, sample_files
from tests.support.recoded import ENCODINGS, recoded

BIG = "1.2.840.10008.1.2.2"
SMALL = 60_000  # bytes
WORDS = {
    **dict.fromkeys(("AT", "OW", "SS", "US"), 2),
    **dict.fromkeys(("FL", "OF", "OL", "SL", "UL"), 4),
    **dict.fromkeys(("FD", "OD", "OV", "SV", "UV"), 8),
}
PIXEL_DATA = 0x7FE00010
# What no reader of implicit VR can tell: bytes where the dictionary has a sequence.
NOT_IN_IMPLICIT = {"syn-vr.dcm"}


def values(data: bytes) -> dict[str, bytes]:
    """Return the value of each element by its path, in little endian."""
    file = read_file(data)
    is_big = file.syntax == BIG and not file.reads_implicit
    return {path: _little(vr, value) if is_big else value for path, vr, value in rows(file.tree)}


def _little(vr: str, value: bytes) -> bytes:
    word = WORDS.get(vr, 1)
    whole = len(value) // word * word
    return np.frombuffer(value[:whole], f"<u{word}").byteswap().tobytes() + value[whole:]


def differences(path: Path) -> Iterator[str]:
    """Yield what is wrong with a file in other encodings."""
    data = path.read_bytes()
    original, file = values(data), read_file(data)
    is_encapsulated = PIXEL_DATA in file.tree and file.tree[PIXEL_DATA].undefined
    for syntax in [*ENCODINGS, file.syntax]:
        may_stay = not is_encapsulated or syntax == file.syntax
        try:
            found = values(recoded(data, syntax))
        except BadFileFormatError as error:
            if may_stay and path.name not in NOT_IN_IMPLICIT:
                yield f"{syntax}: refused, {error.details}"
        else:
            wrong = [at for at in original.keys() | found.keys() if original.get(at) != found.get(at)]
            if wrong or not may_stay:
                yield f"{syntax}: {sorted(wrong)[:5]}"


def wrong(paths: list[Path]) -> dict[str, list[str]]:
    found = {path.name: list(differences(path)) for path in paths if path.name not in REFUSED}
    return {name: texts for name, texts in found.items() if texts}


def test_some_files_say_the_same_in_every_encoding() -> None:
    assert wrong([path for path in sample_files() if path.stat().st_size < SMALL][::12]) == {}


@pytest.mark.slow
def test_all_files_say_the_same_in_every_encoding(tmp_path: Path) -> None:
    assert wrong([*sample_files(), *generated_elsewhere(tmp_path)]) == {}
