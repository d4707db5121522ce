"""How fast the engine is: against the oracle on pydicom, and a study prototype where that is at hand.

``make bench``, or ``python -m tests.benchmarks.engine [NAME...]``. Every number is the median of
repetitions with a cold engine (a new plan and a new memory each time), in milliseconds.
"""

from __future__ import annotations

import argparse
import importlib
import mmap
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from dicomorph.dicom.source import BufferSource
from dicomorph.dicom.uids import IdentityMapper
from tests.compat.oracle import Oracle
from tests.dicom_factory import EXPLICIT, IMPLICIT, Element, Items, encode, part10, rich, uid
from tests.support.edits import KEY, NAME, rewriter

PROTOTYPE = Path(__file__).parents[3] / "shared" / "bench" / "prototype"
MEGABYTE = 1 << 20
_PIXELS = 0x7FE00010


def ct(syntax: str = EXPLICIT) -> bytes:
    """Return an image of half a megabyte with some 190 elements."""
    private = [Element(0x00291000 + n, "LO", f"value {n}") for n in range(1, 120)]
    blob = Element(0x00291FFF, "OB", bytes(6000))
    return _file([Element(0x00290010, "LO", "BLOBS"), *private, blob], bytes(512 * 512 * 2), syntax)


def enhanced(frames: int = 2000) -> bytes:
    """Return a multi-frame image whose header holds some 60 elements a frame."""
    return _file([Element(0x52009230, "SQ", [_frame(number) for number in range(frames)])], bytes(64))


def multi_frame(size: int) -> bytes:
    """Return an image with native pixel data of some size."""
    return _file([Element(0x52009230, "SQ", [_frame(number) for number in range(100)])], bytes(size))


def _frame(number: int) -> list[Element]:
    def one(tag: int, *elements: Element) -> Element:
        return Element(tag, "SQ", [list(elements)])

    code = [
        Element(0x00080100, "SH", "121320"),
        Element(0x00080102, "SH", "DCM"),
        Element(0x00080104, "LO", "Purpose"),
    ]
    references: Items = [
        [
            Element(0x00081150, "UI", "1.2.840.10008.5.1.4.1.1.2"),
            Element(0x00081155, "UI", uid(5, number // 50, n)),
            one(0x0040A170, *code),
        ]
        for n in range(4)
    ]
    numbers = [Element(0x00189000 + n, "FD", float(n)) for n in range(2, 20)]
    return [
        Element(0x00081140, "SQ", references),
        one(0x00189301, *numbers),
        one(
            0x00209111,
            Element(0x00189074, "DT", "20200101120000"),
            Element(0x00209056, "SH", "1"),
            Element(0x00209057, "UL", number),
        ),
        one(0x00209113, Element(0x00200032, "DS", f"0\\0\\{number}")),
        one(0x00289110, Element(0x00180050, "DS", "1.5"), Element(0x00280030, "DS", "0.5\\0.5")),
    ]


def _file(more: list[Element], pixels: bytes, syntax: str = EXPLICIT) -> bytes:
    elements = [element for element in rich() if element.tag <= _PIXELS]
    elements = [element for element in elements if element.tag != _PIXELS]
    elements = sorted([*elements, *more], key=lambda element: element.tag)
    return part10(encode([*elements, Element(_PIXELS, "OW", pixels)], syntax), syntax)


FILES: dict[str, tuple[Callable[[], bytes], int]] = {
    "CT explicit": (ct, 200),
    "CT implicit": (partial(ct, IMPLICIT), 200),
    "enhanced 2000": (enhanced, 5),
    "multi-frame 50": (partial(multi_frame, 50 * MEGABYTE), 20),
}


def median(prepare: Callable[[], Callable[[], object]], repetitions: int) -> float:
    """Return the median time of what `prepare` returns, in milliseconds."""
    times = []
    for _ in range(repetitions):
        work = prepare()
        start = time.perf_counter()
        work()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def engine_work(data: bytes) -> Callable[[], object]:
    engine, source = rewriter({}), BufferSource(data)
    return lambda: engine.rewrite(source)


def whole_work(data: bytes) -> Callable[[], object]:
    engine, source = rewriter({}), BufferSource(data)
    return lambda: engine.rewrite(source).join(source)


def oracle_work(data: bytes) -> Callable[[], object]:
    oracle = Oracle({}, anonymize=True, level="Patient", name=NAME, mapper=IdentityMapper(KEY))
    return lambda: oracle.apply(data)


def prototype_work(module: Any, data: bytes) -> Callable[[], object]:
    context = module.Ctx()
    return lambda: module.plan(data, context)


def prototype() -> Any:
    """Return the module of the prototype, None where it is not at hand."""
    if not PROTOTYPE.is_dir():
        return None
    sys.path.insert(0, str(PROTOTYPE))
    return importlib.import_module("fastanon")


def compare(name: str, module: Any) -> str:
    make, repetitions = FILES[name]
    data = make()
    script = median(lambda: engine_work(data), repetitions)
    whole = median(lambda: whole_work(data), repetitions)
    copy = median(lambda: lambda: bytes(bytearray(data)), repetitions) / 2
    slow = median(lambda: oracle_work(data), max(repetitions // 10, 2))
    columns = [
        f"{name:15} {len(data) / MEGABYTE:6.1f} {script:9.3f} {whole:9.3f} {copy:8.3f} {slow / whole:9.1f}x"
    ]
    if module is not None:
        other = median(lambda: prototype_work(module, data), repetitions)
        columns.append(f"{other / script:9.2f}x")
    return " ".join(columns)


def memory_of_half_a_gigabyte() -> str:
    """Return the peak memory of a process of its own that edits 506 MB out of a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mf500.dcm")
        data = multi_frame(0)
        size = 506 * MEGABYTE
        length = size.to_bytes(4, "little")
        path.write_bytes(data[:-4] + length)
        os.truncate(path, path.stat().st_size + size)  # a hole: no disk is filled
        command = [sys.executable, "-m", "tests.benchmarks.engine", "--edit", str(path)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def edit_mapped(path: Path) -> None:
    """Edit a file that is mapped, and print the peak of memory."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        engine, before = rewriter({}), _memory("VmRSS")
        start = time.perf_counter()
        script = engine.rewrite(BufferSource(mapped))
        elapsed = (time.perf_counter() - start) * 1000
    peak = _memory("VmHWM")
    print(
        f"multi-frame 506: script of {script.size / MEGABYTE:.0f} MB in {elapsed:.1f} ms, "
        f"peak {peak / 1024:.0f} MB, of which {max(peak - before, 0) / 1024:.1f} MB for the edit"
    )


def _memory(name: str) -> int:
    """Return a figure of this process in KiB (Linux; ru_maxrss would count the parent's memory in)."""
    status = Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help=f"of {', '.join(FILES)}")
    parser.add_argument("--edit", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.edit:
        edit_mapped(arguments.edit)
        return
    module = prototype()
    header = f"{'file':15} {'MB':>6} {'script':>9} {'output':>9} {'memcpy':>8} {'to oracle':>10}"
    print(header + (f" {'prototype':>10}" if module else ""))
    for name in arguments.names or FILES:
        print(compare(name, module), flush=True)
    print(memory_of_half_a_gigabyte())


if __name__ == "__main__":
    main()
