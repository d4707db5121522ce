"""Change the product in one place at a time, and see whether a test notices: ``make mutants``.

A mutant is tried with the tests that reach its lines, quick files of tests first, for as many
seconds as are allowed. Nothing in the tree is touched: each trial imports the changed source
in a process of its own. What was killed stays killed until the module changes; what survived
is tried again when one of its tests has changed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tests.mutants.mutations import Mutation, mutations
from tests.mutants.reach import PACKAGE, Reach, read_reach
from tests.mutants.reviewed import lines_of, read_reviewed
from tests.mutants.trial import Running, Trial, Verdict, preload

ROOT: Final = Path(__file__).resolve().parents[2]
CACHE: Final = ROOT / ".cache/mutants"
RISKIEST: Final = ("services/work", "aws/index", "embedded/index", "dicom/engine")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one change.

    Parameters
    ----------
    module : str
        Its path in the package.
    """

    module: str
    source: bytes
    mutation: Mutation

    @property
    def path(self) -> Path:
        """The file of the module."""
        return ROOT / PACKAGE / self.module

    @property
    def change(self) -> tuple[str, str, str]:
        """How `reviewed` knows it."""
        return (self.module, *lines_of(self.source, self.mutation))

    def __str__(self) -> str:
        module, line, became = self.change
        return f"{PACKAGE}/{module}:{self.mutation.lines.start}\n    - {line}\n    + {became}"


def all_mutants(folders: Iterable[str]) -> Iterator[Mutant]:
    """Yield every mutant of the modules in some folders of the package."""
    for folder in folders:
        for path in sorted((ROOT / PACKAGE / folder).rglob("*.py")):
            source = path.read_bytes()
            for mutation in mutations(source):
                yield Mutant(str(path.relative_to(ROOT / PACKAGE)), source, mutation)


def drawn(mutants: Sequence[Mutant], count: int, seed: int) -> list[Mutant]:
    """Return so many of them; a larger count of the same seed begins with the smaller one."""
    shuffled = list(mutants)
    random.Random(seed).shuffle(shuffled)  # noqa: S311 - to be repeated, not to be secret
    return shuffled[:count]


class Plan:
    """Which tests a mutant is tried with."""

    def __init__(self, reach: Reach, seconds: float) -> None:
        self._reach = reach
        self._allowed = seconds

    def trial(self, mutant: Mutant) -> Trial:
        """Return a trial with as many tests as fit, from the files that tell soonest."""
        tests = self._reach.tests(mutant.module, mutant.mutation.lines)
        seconds = self._reach.seconds
        files = Counter[str]()
        for test in tests:
            files[test.partition("::")[0]] += seconds.get(test, 0.0)  # type: ignore[assignment]
        tests.sort(key=lambda test: (files[test.partition("::")[0]], test.partition("::")[0]))
        chosen: list[str] = []
        spent = 0.0
        for test in tests:
            if spent + seconds.get(test, 0.0) <= self._allowed or not chosen:
                chosen.append(test)
                spent += seconds.get(test, 0.0)
        return Trial(mutant.path, mutant.mutation.apply(mutant.source), chosen, int(20 + 10 * spent))

    def state(self, trial: Trial) -> str:
        """Return what the outcome of a trial depends on, as a digest."""
        found = hashlib.blake2b(trial.source, digest_size=16)
        for test in trial.tests:
            found.update(f"{test} {self._reach.files.get(test.partition('::')[0])}\n".encode())
        return found.hexdigest()


class Results:
    """What came of the mutants that were tried, in a file that an interrupted run leaves behind."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found: dict[str, tuple[str, Verdict]] = {}
        for line in path.read_text().splitlines() if path.exists() else ():
            key, state, word, test = json.loads(line)
            self._found[key] = state, Verdict(word, test)

    def get(self, trial: Trial, state: str) -> Verdict | None:
        """Return a verdict that still holds."""
        before, verdict = self._found.get(self._key(trial), ("", None))
        return verdict if verdict and (before == state or verdict.word == "killed") else None

    def put(self, trial: Trial, state: str, verdict: Verdict) -> None:
        """Remember a verdict."""
        with self._path.open("a") as file:
            file.write(json.dumps([self._key(trial), state, verdict.word, verdict.test]) + "\n")

    @staticmethod
    def _key(trial: Trial) -> str:
        return hashlib.blake2b(str(trial.path).encode() + trial.source, digest_size=16).hexdigest()


def campaign(
    mutants: Sequence[Mutant], plan: Plan, results: Results, workers: int
) -> Iterator[tuple[Mutant, Trial, Verdict]]:
    """Yield each mutant with what came of it, in the order in which they end."""
    waiting = list(reversed(mutants))
    running: dict[int, tuple[Mutant, Trial, str, Running]] = {}
    slots = list(range(workers))
    while waiting or running:
        while waiting and slots:
            mutant = waiting.pop()
            trial = plan.trial(mutant)
            state = plan.state(trial)
            if not trial.tests:
                yield mutant, trial, Verdict("survived")
            elif known := results.get(trial, state):
                yield mutant, trial, known
            else:
                slot = slots.pop()
                running[slot] = mutant, trial, state, Running(trial, CACHE / f"trial-{slot}.log")
        time.sleep(0.02)
        for slot, (mutant, trial, state, one) in list(running.items()):
            if verdict := one.verdict():
                del running[slot]
                slots.append(slot)
                results.put(trial, state, verdict)
                yield mutant, trial, verdict


def prove_control(mutants: Iterable[Mutant], plan: Plan) -> None:
    """Fail unless the first of the mutants that tests reach survives without its change.

    Otherwise whatever fails for a reason of its own would count as killed.
    """
    trial = next(trial for trial in map(plan.trial, mutants) if trial.tests)
    unchanged = replace(trial, source=trial.path.read_bytes())
    running = Running(unchanged, CACHE / "control.log")
    while not (verdict := running.verdict()):
        time.sleep(0.02)
    if verdict.word != "survived":
        raise SystemExit(f"The tests fail without a mutant, see {CACHE / 'control.log'}")


def main() -> None:
    """Run, print what survives, and fail if something did that nobody has reviewed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seconds", type=float, default=30, help="of tests for each mutant, at most")
    parser.add_argument("--under", nargs="+", default=RISKIEST, metavar="FOLDER", help="of the package")
    arguments = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    plan = Plan(read_reach(ROOT, CACHE, arguments.workers), arguments.seconds)
    preload()
    mutants = list(all_mutants(arguments.under))
    chosen = drawn(mutants, arguments.count, arguments.seed)
    prove_control(chosen, plan)
    print(f"{len(chosen)} of {len(mutants)} mutants", flush=True)
    reviewed, words, started = read_reviewed(), Counter[str](), time.monotonic()
    for mutant, trial, verdict in campaign(chosen, plan, Results(CACHE / "results.jsonl"), arguments.workers):
        word = "reviewed" if verdict.word == "survived" and mutant.change in reviewed else verdict.word
        words[word] += 1
        if word not in {"killed", "reviewed"}:
            print(f"\n{word}, {len(trial.tests)} tests: {mutant}", flush=True)
        if words.total() % 25 == 0:
            print(f"{time.monotonic() - started:5.0f} s  {dict(words)}", flush=True)
    print(f"{time.monotonic() - started:5.0f} s  {dict(words)}")
    sys.exit(bool(words["survived"]))


if __name__ == "__main__":
    main()
