"""Mutants are what they are said to be, and a trial tells those that a test notices from the others."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutants.campaign import RISKIEST, Mutant, all_mutants, drawn
from tests.mutants.mutations import Mutation, mutations
from tests.mutants.reach import PACKAGE, Reach
from tests.mutants.reviewed import lines_of, read_reviewed

REVIEWED = Path(__file__).with_name("reviewed.py")
NOTICING = "tests/mutants/test_mutations.py::test_lines_are_shown_before_and_after"

SOURCE = b'''"""A module."""

LIMIT: int = 2


def check(found, *, strict=True):
    for one in found:
        if one is None and not strict:
            continue
        if len(found) < LIMIT or one in {}:
            _logger.info("Found %s", found[0])
            raise ValueError(f"{one + 1}")
        found.remove(one)
    return max(found), LIMIT - 1
'''


def changes(source: bytes = SOURCE) -> set[tuple[str, str]]:
    return {(source[mutation.start : mutation.end].decode(), mutation.text) for mutation in mutations(source)}


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ("2", "3"),
        ("2", "1"),
        ("True", "False"),
        ("one is None", "(one is not None)"),
        ("not strict", "(strict)"),
        ("one is None and not strict", "(one is None or not strict)"),
        ("one is None and not strict", "(not strict)"),
        ("one is None and not strict", "True"),
        ("continue", "break"),
        ("len(found) < LIMIT", "(len(found) <= LIMIT)"),
        ("len(found) < LIMIT", "(len(found) >= LIMIT)"),
        ("one in {}", "(one not in {})"),
        ('raise ValueError(f"{one + 1}")', "pass"),
        ("found.remove(one)", "pass"),
        ("max(found)", "min(found)"),
        ("LIMIT - 1", "(LIMIT + 1)"),
        ("return max(found), LIMIT - 1", "return (LIMIT - 1, max(found))"),
    ],
)
def test_a_change_is_found(was: str, becomes: str) -> None:
    assert (was, becomes) in changes()


def test_what_is_logged_and_what_strings_quote_stays() -> None:
    touched = {was for was, _ in changes()}
    assert touched.isdisjoint({"found[0]", "0", "one + 1", '_logger.info("Found %s", found[0])'})


def test_mutants_of_the_product_compile_and_differ() -> None:
    for mutant in drawn(list(all_mutants(RISKIEST)), 100, 1):
        changed = mutant.mutation.apply(mutant.source)
        assert changed != mutant.source
        compile(changed, mutant.module, "exec")


def test_a_seed_draws_the_same_mutants_and_more_of_them() -> None:
    mutants = list(all_mutants(["services/work"]))
    assert drawn(mutants, 20, 1) == drawn(mutants, 50, 1)[:20]
    assert drawn(mutants, 20, 1) != drawn(mutants, 20, 2)


def test_tests_are_found_by_lines_or_else_by_modules() -> None:
    reach = Reach(lines={"a": {"m.py": 0b0110}, "b": {"m.py": 0b1000}, "c": {"n.py": 0b0010}})
    assert reach.tests("m.py", [2]) == ["a"]
    assert reach.tests("m.py", [2, 3]) == ["a", "b"]
    assert reach.tests("m.py", [9]) == ["a", "b"]
    assert reach.tests("o.py", [1]) == []


def test_lines_are_shown_before_and_after() -> None:
    source = b"a = [\n    1,\n    2,\n]\nb = (1 +\n     2)\n"
    start = source.index(b"1 +")
    mutation = Mutation(start, start + len(b"1 +\n     2"), "1 - 2", range(5, 7))
    assert lines_of(source, mutation) == ("b = (1 + 2)", "b = (1 - 2)")


def test_reviewed_mutants_are_mutants_of_the_product() -> None:
    modules = {module for module, _, _ in read_reviewed()}
    found = {
        Mutant(module, source, mutation).change
        for module in modules
        for source in [Path(PACKAGE, module).read_bytes()]
        for mutation in mutations(source)
    }
    assert read_reviewed().keys() <= found


TRY = """
import sys, time
from pathlib import Path
from tests.mutants.trial import Running, Trial, preload
preload()
module, test, log = sys.argv[1:]
running = Running(Trial(Path(module), sys.stdin.buffer.read(), [test], 3), Path(log))
while not (verdict := running.verdict()):
    time.sleep(0.01)
print(verdict.word, verdict.test)
"""


def tried(folder: Path, source: str) -> list[str]:
    """Return what comes of this folder's `reviewed` with another source."""
    command = [sys.executable, "-c", TRY, str(REVIEWED), NOTICING, str(folder / "log")]
    done = subprocess.run(command, input=source, text=True, capture_output=True, check=True)
    return str(done.stdout).split()


@pytest.mark.slow
def test_a_trial_tells_what_a_test_notices_from_what_it_does_not(tmp_path: Path) -> None:
    source = REVIEWED.read_text()
    assert tried(tmp_path, source) == ["survived"]
    assert tried(tmp_path, source.replace('" ".join', '"".join')) == ["killed", NOTICING]


@pytest.mark.slow
def test_a_mutant_that_hangs_is_ended(tmp_path: Path) -> None:
    assert tried(tmp_path, f"{REVIEWED.read_text()}\nwhile True: pass\n") == ["hung"]
