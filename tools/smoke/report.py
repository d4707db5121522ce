"""What a run found, what it cost, and how long it took."""

from __future__ import annotations

from collections.abc import Sequence

from tools.smoke.steps import Outcome, Run

# US dollars a million, as docs/operations/costs.md adds them up for us-east-1, and a GB to the Internet.
_UPLOADED, _EDITED, _CALL, _GIGABYTE = 16.90, 12.80, 6.50, 0.09
_MILLION = 1_000_000


def cost(run: Run) -> float:
    """Return an estimate, in US dollars, of what was stored, edited, called and fetched on AWS."""
    if run.stack is None:
        return 0.0
    calls = run.client.calls * _CALL / _MILLION
    return (
        calls
        + (run.stored * _UPLOADED + run.edited * _EDITED) / _MILLION
        + run.client.received / 1e9 * _GIGABYTE
    )


def summary(run: Run, outcomes: Sequence[Outcome]) -> str:
    """Return the last lines: counts, time and costs."""
    counts = {
        result: sum(one.result == result for one in outcomes) for result in ("held", "failed", "left out")
    }
    told = ", ".join(f"{count} {result}" for result, count in counts.items())
    seconds = sum(one.seconds for one in outcomes)
    figures = f"{run.client.calls} calls, {run.stored} images stored, {run.edited} edited, {seconds:.0f} s"
    costs = f", about {cost(run):.3f} $ by the figures of docs/operations/costs.md" if run.stack else ""
    return f"{told}; {figures}{costs}"


def line(one: Outcome) -> str:
    """Return the line of a step."""
    return f"{one.result:8} {one.seconds:7.1f} s  {one.name}: {one.told}"
