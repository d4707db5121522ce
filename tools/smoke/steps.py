"""What a run consists of: steps, each of which holds, fails, or says why it was left out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.smoke.client import Client
from tools.smoke.images import Images

if TYPE_CHECKING:
    from tools.smoke.deployed import Deployed


class LeftOutError(Exception):
    """A step has nothing to look at here, or is not to be done; says why."""


class BrokenError(Exception):
    """Something is not as it should be."""


@dataclass
class Run:
    """What steps work with, and what earlier ones have left for them.

    Parameters
    ----------
    stack : Deployed, optional
        The stack on AWS; None for another server.
    images : int
        How many the job of the size of a study has.
    incoming : Path, optional
        The folder that a server on this machine watches, without rules for all names.
    asked : frozenset[str]
        The steps that take or remove much, and are to be done all the same.
    """

    client: Client
    stack: Deployed | None = None
    images: int = 500
    incoming: Path | None = None
    asked: frozenset[str] = frozenset()
    make: Images = field(default_factory=Images)
    began: float = field(default_factory=time.time)
    held: dict[str, Any] = field(default_factory=dict)
    stored: int = 0
    edited: int = 0

    @property
    def deployed(self) -> Deployed:
        """The stack; without one the step is left out."""
        if self.stack is None:
            raise LeftOutError("only of a stack on AWS")
        return self.stack


@dataclass(frozen=True)
class Step:
    """One thing to try, by the name that docs/operations/deploy.md gives it."""

    name: str
    work: Callable[[Run], str]
    is_asked_for: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of a step: ``held``, ``failed`` or ``left out``, and what there is to say."""

    name: str
    result: str
    seconds: float
    told: str


STEPS: list[Step] = []


def step(name: str, *, is_asked_for: bool = False) -> Callable[[Callable[[Run], str]], Callable[[Run], str]]:
    """Make a step of a function, which returns what it found; in the order of the modules.

    Parameters
    ----------
    is_asked_for : bool
        Whether it is done only where its name is given: it takes long, or removes something.
    """

    def register(work: Callable[[Run], str]) -> Callable[[Run], str]:
        STEPS.append(Step(name, work, is_asked_for))
        return work

    return register


def expect(condition: object, told: str) -> None:
    """Fail the step unless something is so.

    Raises
    ------
    BrokenError
        With what was found instead.
    """
    if not condition:
        raise BrokenError(told)


def carry_out(run: Run, steps: list[Step]) -> Iterator[Outcome]:
    """Do one step after the other, whatever becomes of those before."""
    for one in steps:
        began = time.monotonic()
        if one.is_asked_for and one.name not in run.asked:
            result, told = "left out", f"ask for it: --also '{one.name}'"
        else:
            result, told = _tried(one, run)
        yield Outcome(one.name, result, time.monotonic() - began, told)


def _tried(one: Step, run: Run) -> tuple[str, str]:
    try:
        return "held", one.work(run)
    except LeftOutError as reason:
        return "left out", str(reason)
    except Exception as error:  # noqa: BLE001 - whatever a server or AWS answers, the next step is tried
        return "failed", f"{type(error).__name__}: {error}" if not isinstance(error, BrokenError) else str(
            error
        )
