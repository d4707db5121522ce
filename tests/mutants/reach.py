"""Which tests run which lines of the product, and how long each takes: measured once, kept in a file."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import coverage

PACKAGE: Final = "layers/dicomorph/dicomorph"
_SECONDS: Final = "MUTANTS_SECONDS"
"""Names the file for the durations, in the process that runs the tests."""


@dataclass
class Reach:
    """What is known of tests.

    Parameters
    ----------
    product : str
        The digest of the sources that were measured.
    files : dict[str, str]
        The digests of the files of tests, by path.
    seconds : dict[str, float]
        How long each test takes, by its id.
    lines : dict[str, dict[str, int]]
        By test and module, the lines it runs: bit 3 is line 3.
    """

    product: str = ""
    files: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    lines: dict[str, dict[str, int]] = field(default_factory=dict)

    def tests(self, module: str, lines: Iterable[int]) -> list[str]:
        """Return the tests that run one of the lines; or, if none does, any line of the module.

        What runs at import, such as a constant or a default, belongs to no test.
        """
        wanted = sum(1 << line for line in lines)
        measured = {test: found[module] for test, found in self.lines.items() if module in found}
        return [test for test, ran in measured.items() if ran & wanted] or list(measured)


def read_reach(root: Path, cache: Path, workers: int) -> Reach:
    """Return what is known, after measuring what has changed since: all tests, or some of their files."""
    product = _digest(sorted((root / PACKAGE).rglob("*.py")))
    files = {
        str(path.relative_to(root)): _digest([path]) for path in sorted((root / "tests").rglob("test_*.py"))
    }
    stored = cache / "reach.json"
    known = _load(stored) if stored.exists() else Reach()
    if known.product != product:
        known = Reach(product)
    changed = [path for path, digest in files.items() if known.files.get(path) != digest]
    for test in [test for test in known.lines if files.get(_file(test)) != known.files.get(_file(test))]:
        del known.lines[test]
    if changed:
        _measure(root, cache, changed, known, workers)
    known.files = files
    stored.write_text(json.dumps(vars(known)))
    return known


def _load(path: Path) -> Reach:
    return Reach(**json.loads(path.read_bytes()))


def _digest(paths: Iterable[Path]) -> str:
    found = hashlib.blake2b(digest_size=16)
    for path in paths:
        found.update(hashlib.blake2b(path.read_bytes()).digest())
    return found.hexdigest()


def _file(test: str) -> str:
    return test.partition("::")[0]


def _measure(root: Path, cache: Path, files: list[str], known: Reach, workers: int) -> None:
    print(f"Measuring which lines {len(files)} files of tests run", flush=True)
    data, seconds = cache / "contexts", cache / "seconds.json"
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "tests.mutants.reach", "-n", str(workers)]
    options = ["--dist", "loadfile", "--cov", "--cov-context=test", "--cov-report=", "--cov-fail-under=0"]
    environment = {
        **os.environ,
        "COVERAGE_FILE": str(data),
        _SECONDS: str(seconds),
        "PYTHONPATH": _path(root),
    }
    status = subprocess.run([*pytest, *options, *files], cwd=root, env=environment, check=False).returncode
    if status:
        raise SystemExit("A mutant proves nothing where tests fail without it")
    known.seconds |= json.loads(seconds.read_bytes())
    for module, lines in _contexts(data).items():
        for line, tests in lines.items():
            for test in tests:
                ran = known.lines.setdefault(test, {})
                ran[module] = ran.get(module, 0) | 1 << line
    data.unlink()


def _path(root: Path) -> str:
    return os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))


def _contexts(path: Path) -> Mapping[str, Mapping[int, set[str]]]:
    """Return the tests that run each line of each module of the package."""
    data = coverage.CoverageData(str(path))
    data.read()
    return {
        module.partition(f"{PACKAGE}/")[2]: {
            line: {context.rpartition("|")[0] for context in contexts if context}
            for line, contexts in data.contexts_by_lineno(module).items()
        }
        for module in data.measured_files()
        if f"{PACKAGE}/" in module
    }


# ---------------------------------------------------------------------- as a plugin of pytest

_durations: dict[str, float] = {}


def pytest_runtest_logreport(report: Any) -> None:
    """Add up setup, call and teardown of each test."""
    _durations[report.nodeid] = _durations.get(report.nodeid, 0.0) + report.duration


def pytest_sessionfinish(session: Any) -> None:
    """Write the durations, unless this is one of several workers."""
    if _SECONDS in os.environ and not hasattr(session.config, "workerinput"):
        Path(os.environ[_SECONDS]).write_text(json.dumps(_durations))
