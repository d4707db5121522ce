"""Flags and refusals in the documents of a job, also of other versions, and in what sums them up."""

from __future__ import annotations

import json
from dataclasses import replace

from dicomorph.jobs.contents import final_content, unfinished_content
from dicomorph.jobs.documents import encode_outcome, read_outcome
from dicomorph.jobs.model import BatchOutcome, InstanceOutcome
from dicomorph.jobs.summary import MOST_FAILURES, summarize
from dicomorph.model.errors import RefusedError
from dicomorph.model.reasons import WHY_REFUSED, Reason
from dicomorph.model.resources import Ancestry, ObjectRef, Pin
from tests.support.jobs import JOB


def _pin(number: int) -> Pin:
    ancestry = Ancestry("p", "s", "e", f"{number:05}")
    return Pin(ancestry, ObjectRef(f"instances/{number}.dcm", "v", 10))


def _flagged(number: int, *reasons: str) -> InstanceOutcome:
    return InstanceOutcome(_pin(number), _pin(number + 10_000), flags=frozenset(reasons))


def _refused(number: int, reason: str = Reason.SLIDE_LABEL) -> InstanceOutcome:
    return InstanceOutcome(_pin(number), None, 8, "Details", refused=reason)


def test_documents_hold_flags_and_refusals_and_nothing_where_there_are_none() -> None:
    outcome = BatchOutcome(3, (_flagged(1, Reason.VIDEO, Reason.ULTRASOUND), _refused(2), _flagged(3)))
    document = encode_outcome(outcome)
    assert read_outcome(document, 3) == outcome
    first, second, third = json.loads(document)["instances"]
    assert (first["flags"], second["refused"]) == (["Ultrasound", "Video"], "SlideLabel")
    assert not {"flags", "refused"} & third.keys()
    assert "refused" not in first
    assert "flags" not in second


def test_reasons_of_a_later_version_are_counted_as_they_are() -> None:
    document = encode_outcome(BatchOutcome(0, (_flagged(1, "Hologram"), _refused(2, "Telepathy"))))
    found = read_outcome(document, 0)
    assert found is not None
    content = final_content(JOB, summarize([found]))
    assert (content["Flags"], content["Refused"]) == ({"Hologram": 1}, {"Telepathy": 1})


def test_an_earlier_version_takes_a_refused_instance_for_a_failed_one_and_leaves_its_source() -> None:
    # It knows neither member, and reads an error without a product.
    [instance] = json.loads(encode_outcome(BatchOutcome(0, (_refused(1),))))["instances"]
    assert (instance["product"], instance["error"], instance["details"]) == (None, 8, "Details")


def test_refused_instances_are_no_failures() -> None:
    failure = InstanceOutcome(_pin(4), None, 15, "broken")
    summary = summarize([BatchOutcome(0, (_refused(1), failure, _flagged(2, Reason.VIDEO), _refused(3)))])
    assert (summary.instances, summary.failed, summary.failure) == (4, 1, failure)
    assert summary.refused == {"SlideLabel": 2}
    assert summarize([BatchOutcome(0, (_refused(1),))]).failure is None


def test_many_reasons_are_counted_and_the_first_refusals_told_one_by_one() -> None:
    reasons = (Reason.SLIDE_LABEL, Reason.PIXELS_ELSEWHERE)
    batches = [
        BatchOutcome(number, tuple(_refused(9_999 - number * 2 - half, reasons[half]) for half in (0, 1)))
        for number in range(200)
    ]
    content = final_content(JOB, summarize([*batches, BatchOutcome(200, (_flagged(1, Reason.VIDEO),))]))
    assert content["Refused"] == {"PixelDataElsewhere": 200, "SlideLabel": 200}
    assert (content["InstancesCount"], content["FailedInstancesCount"]) == (401, 0)
    told = content["RefusedInstances"]
    assert isinstance(told, list)
    ids = [str(one["ID"]) for one in told if isinstance(one, dict)]
    assert ids == sorted(ids)
    assert (len(ids), ids[0]) == (MOST_FAILURES, "09600")
    assert content["Flags"] == {"Video": 1}


def test_a_job_that_begins_again_says_nothing_of_reasons() -> None:
    content = final_content(JOB, summarize([BatchOutcome(0, (_refused(1), _flagged(2, Reason.VIDEO)))]))
    again = unfinished_content(replace(JOB, content=content))
    assert not {"Flags", "Refused", "RefusedInstances"} & again.keys()


def test_every_reason_to_refuse_has_a_sentence_without_values() -> None:
    for reason in WHY_REFUSED:
        assert RefusedError(reason).details.startswith(f"{reason}: ")
    told = {Reason.DECLARED_CLEAN, Reason.RECOGNIZABLE_FACE, Reason.UNKNOWN_SOP_CLASS}
    assert set(Reason) - WHY_REFUSED.keys() == told, "these are never refused"
