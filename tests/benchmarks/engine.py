"""How fast the engine is, in one run against pydicom (the oracle), copies, and another implementation.

``make bench-engine``, or ``python -m tests.benchmarks.engine [NAME...] [--baseline PATH.py]``.
Every number is a median. Each repetition begins with cold contexts, and the contenders take
turns in beginning, so that no one profits from what another left in the caches.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks import contenders
from tests.benchmarks.contenders import Contender, File
from tests.benchmarks.files import FILES, MEGABYTE
from tests.benchmarks.memory import memory_of_half_a_gigabyte

BUDGET = 8.0  # seconds for the repetitions of one row
LEAST, MOST = 5, 300  # repetitions
SLOW = ("oracle",)  # these take a few repetitions only
SLOW_REPETITIONS = 3


def measure(files: list[File], rivals: Mapping[str, Contender]) -> dict[str, float]:
    """Return the median time that each contender takes for a file, in milliseconds."""
    times: dict[str, list[float]] = {name: [] for name in rivals}
    quick = [name for name in rivals if name not in SLOW]
    spent, repetition = 0.0, 0
    while repetition < LEAST or (repetition < MOST and spent < BUDGET):
        names = list(rivals) if repetition < SLOW_REPETITIONS else quick
        work = {name: rivals[name]() for name in names}
        gc.collect()
        for number, file in enumerate(files):
            turn = (repetition + number) % len(names)  # who begins finds the caches as they are
            for name in names[turn:] + names[:turn]:
                times[name].append(_timed(work[name], file))
        spent += sum(times[name][-1] for name in quick) * len(files) / 1000
        repetition += 1
    return {name: statistics.median(found) for name, found in times.items()}


def _timed(work: contenders.Work, file: File) -> float:
    start = time.perf_counter()
    result = work(file)
    elapsed = time.perf_counter() - start
    del result
    return elapsed * 1000


def rivals_of(baseline: str) -> dict[str, Contender]:
    """Return the contenders by the names of their columns."""
    found: dict[str, Contender] = {
        "script": contenders.script,
        "output": contenders.output,
        "join": contenders.joining(),
        "memcpy": contenders.memory_copy,
        "written": contenders.written,
        "copied": contenders.file_copy,
        "oracle": contenders.oracle,
    }
    if baseline:
        found["baseline"] = contenders.baseline(baseline)
    return found


def row(name: str, files: list[bytes], rivals: Mapping[str, Contender], folder: Path) -> str:
    """Measure one kind of file; return its line of the table."""
    stored = []
    for number, data in enumerate(files):
        path = folder / f"{number}.dcm"
        path.write_bytes(data)
        stored.append(File(data, path, folder / "target"))
    found = measure(stored, rivals)
    ratios = [
        f"{found['oracle'] / found['output']:6.1f}x",
        f"{found['output'] / found['memcpy']:6.2f}x",
        f"{found['join'] / found['memcpy']:6.2f}x",
        f"{found['written'] / found['copied']:6.2f}x",
    ]
    if "baseline" in found:
        ratios.append(f"{found['baseline'] / found['output']:6.2f}x")
    size = statistics.mean(map(len, files)) / MEGABYTE
    return " ".join([f"{name:12} {size:5.1f}", *(f"{found[rival]:9.3f}" for rival in rivals), *ratios])


def header(rivals: Mapping[str, Contender]) -> str:
    """Return the names of the columns."""
    ratios = ["oracle", "memcpy", "join", "copied", *(["base"] if "baseline" in rivals else [])]
    times = " ".join(f"{rival:>9}" for rival in rivals)
    return f"{'file':12} {'MB':>5} {times} " + " ".join(f"{ratio:>7}" for ratio in ratios)


EXPLANATION = """
Milliseconds a file. script: to work out the edit script; output: that, and the bytes; join: the bytes alone;
memcpy: a copy of the original; written: from file to file; copied: a copy of the file; oracle: pydicom.
Then ratios: oracle to output (speed), output to memcpy, join to memcpy, written to copied,
baseline to output (speed).
"""


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(FILES)}; all if none is given"
    )
    parser.add_argument(
        "--baseline",
        default=os.environ.get("BENCH_BASELINE", ""),
        metavar="PATH.py[:FUNCTION[:CONTEXT]]",
        help="another implementation: a function from bytes to bytes, and what makes its context",
    )
    parser.add_argument(
        "--data", nargs="+", type=Path, default=[], metavar="PATH", help="files, or folders for a series each"
    )
    arguments = parser.parse_args()
    rivals = rivals_of(arguments.baseline)
    print(header(rivals))
    for path in arguments.data:
        paths = sorted(path.iterdir()) if path.is_dir() else [path]
        files = [file.read_bytes() for file in paths]
        with tempfile.TemporaryDirectory() as folder:
            print(row(path.name[:12], files, rivals, Path(folder)), flush=True)
    names = arguments.names or ([] if arguments.data else FILES)
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            print(row(name, FILES[name](), rivals, Path(folder)), flush=True)
    print(EXPLANATION)
    if not arguments.names and not arguments.data:
        print(memory_of_half_a_gigabyte())


if __name__ == "__main__":
    main()
