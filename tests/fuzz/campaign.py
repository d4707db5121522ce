"""Mutated files by the hundred thousand, on every core: ``make fuzz COUNT=200000 SEED=1``.

Each input follows from the seed and its number. One that fails is written to a folder, with
what is wrong and the number; ``--only NUMBER`` makes it again.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.compat.plans import REQUESTS
from tests.fuzz.checks import Judge, Verdict
from tests.fuzz.corpus import drawn
from tests.fuzz.mutations import mutated

NAMES = tuple(REQUESTS)
CHUNK = 200  # inputs for one request in one process, with what the engine learns from them
HANGING = 30  # seconds of work
_BETWEEN_ALARMS = 20  # inputs: a system call for each would take a quarter of the time
_SILENCE = 30  # seconds
ADDRESS_SPACE = 4 << 30
_TELLING_SIZE = 1 << 14  # rates of smaller inputs say more about the start of a rewrite
_BASE = 1 << 20  # bytes that a request takes whatever the file


class HangError(Exception):
    """An input took longer than anything may."""


@dataclass
class Figures:
    """What came of many inputs."""

    inputs: int = 0
    refused: int = 0
    slowest: float = 0.0  # seconds per MB
    greediest: float = 0.0  # memory by the size of the input
    largest: int = 0  # memory, in bytes
    failed: list[tuple[int, str, list[str]]] = field(default_factory=list)

    def add(self, number: int, name: str, data: bytes, verdict: Verdict) -> None:
        """Count one input."""
        self.inputs += 1
        self.refused += verdict.refused
        self.largest = max(self.largest, verdict.peak)
        if len(data) >= _TELLING_SIZE:
            self.slowest = max(self.slowest, verdict.seconds / len(data) * 1e6)
        if data:
            self.greediest = max(self.greediest, (verdict.peak - _BASE) / len(data))
        if verdict.faults:
            self.failed.append((number, name, verdict.faults))

    def merge(self, other: Figures) -> None:
        """Add what another process counted."""
        self.inputs += other.inputs
        self.refused += other.refused
        self.slowest = max(self.slowest, other.slowest)
        self.greediest = max(self.greediest, other.greediest)
        self.largest = max(self.largest, other.largest)
        self.failed += other.failed

    def __str__(self) -> str:
        return (
            f"{self.inputs} inputs: {self.refused} refused, {self.inputs - self.refused} edited, "
            f"{len(self.failed)} failed; slowest {self.slowest:.3f} s/MB, memory at most "
            f"{self.greediest:.1f} times the input and 1 MiB, {self.largest / 1e6:.1f} MB in all"
        )


def made(seed: int, number: int) -> tuple[bytes, str]:
    """Return an input and the name of its request."""
    rng = random.Random(f"{seed}:{number}")  # noqa: S311 - to be repeated, not to be secret
    return mutated(rng, drawn(rng)), NAMES[number // CHUNK % len(NAMES)]


def run(seed: int, numbers: Iterable[int], folder: Path | None = None) -> Figures:
    """Judge inputs that share a request; write those that fail to a folder."""
    signal.signal(signal.SIGVTALRM, _hang)
    try:
        return _judged(seed, numbers, folder)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)


def _judged(seed: int, numbers: Iterable[int], folder: Path | None) -> Figures:
    figures = Figures()
    judge, judged = None, ""
    for number in numbers:
        data, name = made(seed, number)
        if judge is None or judged != name:
            judge, judged = Judge(REQUESTS[name]), name
        verdict = _in_time(judge, data, number)
        figures.add(number, name, data, verdict)
        if verdict.faults and folder is not None:
            path = folder / f"{seed}-{number}.dcm"
            path.write_bytes(data)
            path.with_suffix(".txt").write_text("\n".join([name, *verdict.faults]) + "\n")
    return figures


def _in_time(judge: Judge, data: bytes, number: int) -> Verdict:
    if number % _BETWEEN_ALARMS == 0:
        signal.setitimer(signal.ITIMER_VIRTUAL, HANGING)
    try:
        return judge.judge(data, number=number)
    except HangError:
        signal.setitimer(signal.ITIMER_VIRTUAL, HANGING)
        return Verdict(seconds=HANGING, faults=["hangs"])


def _hang(*_: object) -> None:
    raise HangError


def _limit_memory() -> None:
    """Let an input that takes all memory end itself, not the machine."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))


def campaign(seed: int, numbers: range, folder: Path, *, workers: int) -> Iterator[Figures]:
    """Yield the figures after each part of the work."""
    folder.mkdir(parents=True, exist_ok=True)
    total = Figures()
    chunks = [numbers[at : at + CHUNK] for at in range(0, len(numbers), CHUNK)]
    with ProcessPoolExecutor(workers, initializer=_limit_memory) as pool:
        for figures in pool.map(partial(run, seed, folder=folder), chunks):
            total.merge(figures)
            yield total


def main() -> None:
    """Run, print the figures now and then, and fail if an input did."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--first", type=int, default=0, metavar="NUMBER", help="go on after a part of them")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--folder", type=Path, default=Path(".cache/fuzz"), help="for inputs that fail")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="judge one input again")
    arguments = parser.parse_args()
    if arguments.only is not None:
        data, name = made(arguments.seed, arguments.only)
        print(f"{len(data)} bytes, {name}:", Judge(REQUESTS[name]).judge(data))
        return
    started, said = time.monotonic(), 0.0
    total = Figures()
    numbers = range(arguments.first, arguments.count)
    for total in campaign(arguments.seed, numbers, arguments.folder, workers=arguments.workers):
        if time.monotonic() - said > _SILENCE or total.inputs == len(numbers):
            said = time.monotonic()
            print(f"{said - started:5.0f} s  {total}", flush=True)
    for number, name, faults in total.failed[:20]:
        print(f"{number} ({name}): {'; '.join(faults)[:200]}")
    sys.exit(bool(total.failed))


if __name__ == "__main__":
    main()
