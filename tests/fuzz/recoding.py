"""What must hold for any input that is recoded: an error of ours, or the same data set; in time."""

from __future__ import annotations

import time

from dicomorph.dicom.recoding.recode import recode
from dicomorph.dicom.stream import windows
from dicomorph.dicom.stream.source import BufferSource, Source
from dicomorph.model.errors import DicomorphError
from tests.dicom_factory import BIG, EXPLICIT, IMPLICIT
from tests.support.edits import WindowedSource

SECONDS_PER_BYTE = 2 / 1e6
SECONDS_AT_MOST = 0.1  # for a file of any size
_TARGETS = (IMPLICIT, EXPLICIT, BIG)


def faults_of_recoding(data: bytes, number: int) -> list[str]:
    """Return what is wrong with a file in another transfer syntax, which the number chooses."""
    target, found = _TARGETS[number % len(_TARGETS)], list[str]()
    started = time.thread_time()
    output = _outcome(BufferSource(data), target)
    spent = time.thread_time() - started
    if spent > SECONDS_AT_MOST + len(data) * SECONDS_PER_BYTE:
        found.append(f"recoding is slow: {spent:.2f} s for {len(data)} bytes")
    if _windowed(data, target, number % 2) != output:
        found.append("the size of the window changes what is recoded")
    if output and not _outcome(BufferSource(output), target):
        found.append("what was recoded is refused")
    return found


def _outcome(source: Source, target: str) -> bytes:
    """Return the output, empty for an error of ours."""
    try:
        script = recode(source, target)
    except DicomorphError:
        return b""
    output = b"".join(script.chunks(source))
    assert len(output) == script.size
    return output


def _windowed(data: bytes, target: str, surplus: int) -> bytes:
    before, windows.WINDOW = windows.WINDOW, 64
    try:
        return _outcome(WindowedSource(data, surplus), target)
    finally:
        windows.WINDOW = before
