"""What follows from the outcomes of a job's instances (spec 3.10)."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from dicomorph.jobs.model import BatchOutcome, InstanceOutcome
from dicomorph.model.remarks import Remark

OutcomePosition = tuple[int, int]
"""Where an outcome is recorded: the number of a batch, and which of its instances it is."""

MOST_FAILURES = 100
"""So many are told one by one of what failed, was refused, or could not be transcoded."""


@dataclass(slots=True)
class Summary:
    """The outcomes of a job in short; of what grows with the job, only identifiers are in it.

    Parameters
    ----------
    instances, failed : int
        How many there are, and how many of them have no product and were not refused either.
    failures : list[InstanceOutcome]
        Of the first of these, in order of the Orthanc ids of their sources.
    success : InstanceOutcome, optional
        Of the first source with a product, in that order: it names the result.
    series : dict[str, OutcomePosition]
        Each distinct series of products, and where its first product is recorded.
    remarks : Counter[Remark]
        Of how many products each is made.
    flags, refused : Counter[str]
        How many products are flagged, and how many instances refused, for each reason.
    refusals : list[InstanceOutcome]
        Of the first refused sources, in order of their Orthanc ids.
    untranscoded : int
        How many products could not be converted into the transfer syntax that was asked for.
    kept_syntaxes : list[tuple[str, str]]
        The Orthanc ids of the first of them, in their order, with the reasons.
    """

    instances: int = 0
    failed: int = 0
    failures: list[InstanceOutcome] = field(default_factory=list)
    success: InstanceOutcome | None = None
    series: dict[str, OutcomePosition] = field(default_factory=dict)
    remarks: Counter[Remark] = field(default_factory=Counter)
    flags: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    refusals: list[InstanceOutcome] = field(default_factory=list)
    untranscoded: int = 0
    kept_syntaxes: list[tuple[str, str]] = field(default_factory=list)

    @property
    def failure(self) -> InstanceOutcome | None:
        """The outcome that a job fails with; None if each source has a product or was refused."""
        return self.failures[0] if self.failures else None


def summarize(batches: Iterable[BatchOutcome]) -> Summary:
    """Sum up the batches of a job, in order of their numbers; they are gone through once."""
    summary = Summary()
    for batch in batches:
        for index, outcome in enumerate(batch.instances):
            summary.instances += 1
            if outcome.product is None:
                _add_without_product(summary, outcome)
                continue
            if outcome.remarks or outcome.flags:  # few have any, and a job may have a million outcomes
                summary.remarks.update(outcome.remarks)
                summary.flags.update(outcome.flags)
            summary.success = _earlier(summary.success, outcome)
            summary.series.setdefault(outcome.product.ancestry.series, (batch.number, index))
            if outcome.untranscoded:
                summary.untranscoded += 1
                insort(summary.kept_syntaxes, (outcome.product.ancestry.instance, outcome.untranscoded))
                del summary.kept_syntaxes[MOST_FAILURES:]
    return summary


def _add_without_product(summary: Summary, outcome: InstanceOutcome) -> None:
    if outcome.refused:
        summary.refused[outcome.refused] += 1
        told = summary.refusals
    else:
        summary.failed += 1
        told = summary.failures
    insort(told, outcome, key=lambda one: one.source.ancestry.instance)
    del told[MOST_FAILURES:]


def _earlier(one: InstanceOutcome | None, other: InstanceOutcome) -> InstanceOutcome:
    if one is None or other.source.ancestry.instance < one.source.ancestry.instance:
        return other
    return one
