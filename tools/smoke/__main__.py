"""Try a server with synthetic data:  make smoke STACK=dicomorph, or make smoke URL=http://127.0.0.1:8042.

Everything that docs/operations/deploy.md lists as shown by a real account alone is a step. What the run
has stored, it deletes. Steps that take long or remove something are done only where they are named.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import boto3

# In the order of the run.
from tools.smoke import account, arrivals, calls, ending, uploads  # noqa: F401 - each makes its steps
from tools.smoke.client import Client
from tools.smoke.deployed import Deployed
from tools.smoke.report import line, summary
from tools.smoke.steps import STEPS, Outcome, Run, Step, carry_out

FIRST = ("it deploys", "nobody gets in unsigned", "nobody gets in without permission")
LAST = (
    "every route was called",
    "deletions are finished",
    "deletion",
    "nothing in logs",
    "permissions suffice",
    "workers are shared out",
    "restore",
    "removal",
)
"""What looks back, or takes away."""


def main(arguments: list[str] | None = None) -> None:
    """Do all steps, tell what became of each, and leave with status 1 if one failed."""
    parser = argparse.ArgumentParser(prog="make smoke", description=__doc__.partition("\n")[0])
    parser.add_argument("--stack", help="the name of a stack on AWS, without patients' data")
    parser.add_argument("--url", help="of a server without one; or another address of the stack's API")
    parser.add_argument("--images", type=int, default=500, help="of the job of the size of a study")
    parser.add_argument(
        "--also", action="append", default=[], metavar="STEP", help="such as restore, removal"
    )
    parser.add_argument(
        "--incoming", type=Path, help="of a server on this machine: the folder that it watches"
    )
    parser.add_argument("--report", type=Path, help="where to write all that was found, as JSON")
    given = parser.parse_args(arguments)
    if not given.stack and not given.url:
        parser.error(
            "name a stack or an address: make smoke STACK=dicomorph, make smoke URL=http://127.0.0.1:8042"
        )
    url = (given.url or "").rstrip("/")
    run = _run_on_stack(given.stack, url) if given.stack else Run(Client(url))
    run.incoming = given.incoming
    run.images, run.asked = given.images, frozenset(given.also)
    outcomes = report(run)
    if given.report:
        given.report.write_text(json.dumps([vars(one) for one in outcomes], indent=1), encoding="utf-8")
    sys.exit(any(one.result == "failed" for one in outcomes))


def report(run: Run) -> list[Outcome]:
    """Do all steps, and print a line for each."""
    outcomes = []
    for one in carry_out(run, ordered()):
        outcomes.append(one)
        print(line(one), flush=True)
    print(summary(run, outcomes))
    return outcomes


def ordered() -> list[Step]:
    """Return the steps, those of the door first, and at the end those that look back, or take away."""
    places = {
        name: place
        for names, start in ((FIRST, -len(FIRST)), (LAST, 1))
        for place, name in enumerate(names, start)
    }
    return sorted(STEPS, key=lambda one: places.get(one.name, 0))


def _run_on_stack(name: str, url: str) -> Run:
    stack = Deployed.of(name, boto3.Session())
    return Run(Client(url or stack.outputs["ApiUrl"], stack.signer()), stack)


if __name__ == "__main__":
    main()
