"""No reader that opens the output finds what was removed, however the file hid it."""

from __future__ import annotations

import re
import shutil
import subprocess
import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.values import convert_SQ

from dicomorph.dicom.engine.rewriter import Rewriter
from dicomorph.dicom.stream import windows
from dicomorph.model.errors import DicomorphError
from tests.compat.data_sets import dictionary_vr
from tests.dicom_factory import IMPLICIT, part10
from tests.support.edits import WindowedSource, edited, rewriter
from tests.support.hidden_names import LONG_VRS, SHORT_VRS, TOKENS, hidden_names
from tests.support.small_files import NAME, PATIENT_ID

REQUESTS: list[tuple[dict[str, Any], set[int]]] = [
    ({}, {NAME, PATIENT_ID}),
    ({"DicomVersion": "2008"}, {NAME, PATIENT_ID}),
    ({"KeepPrivateTags": True}, {NAME, PATIENT_ID}),
    ({"Keep": ["DerivationImageSequence", "ReferencedImageSequence"]}, {NAME}),
    ({"KeepPrivateTags": True, "Replace": {"0008,1250[*].PatientName": "NEW"}}, {NAME, PATIENT_ID}),
]
SEEDS = 300
_VRS = {*LONG_VRS, *SHORT_VRS}
_LITTLE_ITEM, _BIG_ITEM = b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00"


def found_by_pydicom(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the elements at every depth, as pydicom reads a file; nothing that it cannot read."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield from _elements(pydicom.dcmread(BytesIO(data), force=True))
        except Exception:  # noqa: BLE001 - whatever pydicom raises for what it cannot read
            return


def _elements(dataset: Dataset) -> Iterator[tuple[int, bytes]]:
    raw: Any
    for raw in dataset.elements():
        items = list(raw.value) if not raw.is_raw and raw.VR == "SQ" else []
        if raw.is_raw:
            yield int(raw.tag), raw.value or b""
            items = _items(dataset, raw)
        for item in items:
            yield from _elements(item)


def _items(dataset: Dataset, raw: Any) -> list[Dataset]:
    """Return the items of what is a sequence to anybody: by VR, by dictionary or by its first bytes."""
    value, known = raw.value or b"", dictionary_vr(int(raw.tag))
    begins = value[:4] in {_LITTLE_ITEM, _BIG_ITEM} and raw.VR in {None, "UN"}
    if raw.VR != "SQ" and known != "SQ" and not (begins and known == "UN"):
        return []
    implicit = raw.is_implicit_VR or (raw.VR != "SQ" and value[12:14].decode("latin-1") not in _VRS)
    charset = str(dataset.original_character_set)
    with suppress(Exception):  # as above
        return list(convert_SQ(value, implicit, not value.startswith(_BIG_ITEM), [charset]))
    return []


def left(values: Iterable[tuple[int, bytes]]) -> set[tuple[int, str]]:
    """Return the tags whose values tell something that was planted, with what it is."""
    return {
        (tag, token) for tag, value in values for token in TOKENS.values() if value.startswith(token.encode())
    }


def outcome(engine: Rewriter, data: bytes) -> bytes | None:
    try:
        return edited(data, engine)
    except DicomorphError:
        return None


def outputs(body: dict[str, Any], seeds: range) -> dict[int, bytes]:
    """Return what becomes of files, by their seeds; some are refused."""
    engine = rewriter(body)
    found = {}
    for seed in seeds:
        syntax, data_set = hidden_names(seed)
        output = outcome(engine, part10(data_set, syntax))
        if output is not None:
            found[seed] = output
    return found


@pytest.mark.parametrize(("body", "removed"), REQUESTS)
def test_pydicom_finds_no_removed_value(body: dict[str, Any], removed: set[int]) -> None:
    found = outputs(body, range(SEEDS))
    assert SEEDS / 10 < len(found) < SEEDS * 9 / 10
    for seed, output in found.items():
        values = list(found_by_pydicom(output))
        assert not [tag for tag in removed if (tag, TOKENS[tag]) in left(values)], seed


def test_pydicom_finds_the_values_that_were_there() -> None:
    found = {}
    for seed in range(100):
        syntax, data_set = hidden_names(seed)
        found[seed] = left(found_by_pydicom(part10(data_set, syntax)))
    assert sum(values >= set(TOKENS.items()) for values in found.values()) > 80


# A second reader, of the system's and not of the lock: the first, pydicom, reads the same files everywhere.
@pytest.mark.skipif(shutil.which("dcmdump") is None, reason="DCMTK is not installed")
@pytest.mark.parametrize(("body", "removed"), REQUESTS)
def test_dcmdump_finds_no_removed_value(body: dict[str, Any], removed: set[int], tmp_path: Path) -> None:
    found = outputs(body, range(SEEDS))
    for seed, output in found.items():
        (tmp_path / f"{seed}.dcm").write_bytes(output)
    for option in ("-Ep", "+Ep"):  # stop at what cannot be parsed, or go on
        command = ["dcmdump", "-q", "+L", "+F", option, *sorted(map(str, tmp_path.glob("*.dcm")))]
        text = subprocess.run(command, capture_output=True, check=False).stdout.decode("latin-1")
        assert text.count("TransferSyntaxUID") > len(found) / 2
        for tag in removed:
            line = rf"^ *\({tag >> 16:04x},{tag & 0xFFFF:04x}\) .. \[{TOKENS[tag]}"
            assert not re.search(line, text, re.MULTILINE)


def test_the_size_of_the_window_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = rewriter({"KeepPrivateTags": True})
    expected = outputs({"KeepPrivateTags": True}, range(SEEDS // 2))
    monkeypatch.setattr(windows, "WINDOW", 48)
    for seed in range(SEEDS // 2):
        syntax, data_set = hidden_names(seed)
        source = WindowedSource(part10(data_set, syntax), seed % 3)
        try:
            output = engine.rewrite(source).join(source)
        except DicomorphError:
            output = None
        assert output == expected.get(seed), seed


def test_hidden_names_are_of_every_encoding() -> None:
    assert {hidden_names(seed)[0] for seed in range(50)} > {IMPLICIT}
