"""One mutant, and the tests that reach it, in a process of its own."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import signal
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any, Final

import pytest

_SPACE: Final = 6 << 30  # bytes: a loop that collects without end stops itself
_BROKEN: Final = 70  # the status of a trial that ended before pytest did
_PRELOADED: Final = (
    "boto3",
    "hypothesis.strategies",
    "moto.dynamodb.models",
    "moto.s3.models",
    "moto.stepfunctions.parser.api",
    "pydicom.dataset",
    "xdist.plugin",
)
"""What takes long to import, and does not import what is mutated."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What is to be tried.

    Parameters
    ----------
    path : Path
        The module.
    source : bytes
        What is imported in its place.
    tests : Sequence[str]
        In this order, up to the first one that fails.
    seconds : int
        Of work, after which the mutant counts as hanging.
    """

    path: Path
    source: bytes
    tests: Sequence[str]
    seconds: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it: ``killed``, ``survived`` or ``hung``; and the test that noticed."""

    word: str
    test: str = ""


def preload() -> None:
    """Import what all trials need."""
    for name in _PRELOADED:
        importlib.import_module(name)


class Running:
    """A trial under way; its output goes to a file."""

    def __init__(self, trial: Trial, log: Path) -> None:
        self._log = log
        self._answer = log.with_suffix(".json")
        self._answer.unlink(missing_ok=True)
        self._deadline = time.monotonic() + 60 + 10 * trial.seconds  # it may wait for what never comes
        self._pid = os.fork()
        if not self._pid:
            _run(trial, log, self._answer)

    def verdict(self) -> Verdict | None:
        """Return what came of it, once it has ended."""
        pid, status = os.waitpid(self._pid, os.WNOHANG)
        if not pid:
            if time.monotonic() < self._deadline:
                return None
            self.kill()
            return Verdict("hung")
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)  # servers that a test has left
        if os.WIFSIGNALED(status):
            return Verdict("hung" if os.WTERMSIG(status) == signal.SIGXCPU else "killed")
        code = os.WEXITSTATUS(status)
        if code == pytest.ExitCode.OK:
            return Verdict("survived")
        if code in {_BROKEN, pytest.ExitCode.NO_TESTS_COLLECTED}:
            raise SystemExit(f"No test ran, see {self._log}")
        return Verdict("killed", json.loads(self._answer.read_bytes()) if self._answer.exists() else "")

    def kill(self) -> None:
        """End it at once, with all that it has started."""
        os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


def _run(trial: Trial, log: Path, answer: Path) -> None:
    """Run the tests in this process and end it."""
    status = _BROKEN
    try:
        os.setsid()
        with log.open("wb") as output:
            for stream in (1, 2):
                os.dup2(output.fileno(), stream)
        resource.setrlimit(resource.RLIMIT_CPU, (trial.seconds, trial.seconds + 5))
        resource.setrlimit(resource.RLIMIT_AS, (_SPACE, _SPACE))
        _replace(trial.path, trial.source)
        files = list(dict.fromkeys(test.partition("::")[0] for test in trial.tests))
        options = ["-x", "-q", "--tb=short", "-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov"]
        options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # of plugins that were preloaded
        status = int(pytest.main([*options, *files], plugins=[_Order(trial.tests, answer)]))
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(status)


def _replace(path: Path, source: bytes) -> None:
    """Let a module be imported from another source; files and their caches stay as they are."""
    get_code = SourceFileLoader.get_code

    def changed(self: SourceFileLoader, fullname: str) -> Any:
        if Path(self.path) == path:
            return compile(source, self.path, "exec", dont_inherit=True)
        return get_code(self, fullname)

    setattr(SourceFileLoader, "get_code", changed)  # noqa: B010 - in this process alone, which mypy cannot know


class _Order:
    """A plugin of pytest: the wanted tests in the wanted order; says which one failed."""

    def __init__(self, tests: Sequence[str], answer: Path) -> None:
        self._turns: Mapping[str, int] = {test: turn for turn, test in enumerate(tests)}
        self._answer = answer

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        wanted = [item for item in items if item.nodeid in self._turns]
        items[:] = sorted(wanted, key=lambda item: self._turns[item.nodeid])

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self._answer.write_text(json.dumps(report.nodeid))
