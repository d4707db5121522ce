"""Plans that are not complete, and finalizations that are not."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dicomorph.jobs.documents import encode_manifest, read_manifest, read_weights
from dicomorph.jobs.drafts import Draft, draft_key, encode_draft, read_draft
from dicomorph.jobs.ending import EndCursor, Phase, read_end_cursor
from dicomorph.jobs.planning import PlannerLimits, is_brief, planned_size
from tests.support.jobs import JOB

PLANNED = replace(JOB, plan="9a", batches=2)


def test_a_draft_reads_as_it_was_written() -> None:
    draft = Draft([["a", "b"], ["c"]], done=1, sizes=[2], weights=[10])
    assert read_draft(encode_draft(draft)) == draft
    assert not draft.is_complete
    assert draft_key(PLANNED) == f"jobs/{JOB.id}/batches/9a/draft.json"


@pytest.mark.parametrize("document", [None, b"", b"{}", b'{"chunks":[[1]],"done":0,"sizes":[],"weights":[]}'])
def test_a_damaged_draft_is_none(document: bytes | None) -> None:
    assert read_draft(document) is None


def test_the_end_of_a_job_passes_through_the_state_as_numbers() -> None:
    cursor = EndCursor(phase=Phase.REMOVE, batch=3, sources=True, dangling=4, listing=2)
    state = json.loads(json.dumps(cursor.to_json()))
    assert {type(value) for value in state.values()} == {int}
    assert read_end_cursor({"more": 1, **state}) == cursor
    assert read_end_cursor({"more": 0}) == EndCursor()


def test_a_plan_tells_how_much_is_in_each_batch() -> None:
    document = encode_manifest(JOB.id, [2, 1], [100, 50])
    assert (read_manifest(document, PLANNED), read_weights(document, PLANNED)) == ([2, 1], [100, 50])
    earlier = encode_manifest(JOB.id, [2, 1])
    assert (read_manifest(earlier, PLANNED), read_weights(earlier, PLANNED)) == ([2, 1], [None, None])


def test_batches_of_small_images_are_brief_and_large_images_are_not() -> None:
    limits = PlannerLimits()
    assert is_brief(limits.batch_instances, limits.batch_bytes)
    assert is_brief(limits.small_job_instances, limits.small_job_bytes)
    assert not is_brief(1, 2 * limits.batch_bytes)


def test_what_is_converted_counts_for_more_than_its_bytes() -> None:
    limits = PlannerLimits()
    assert planned_size(1000, transcodes=False) == 1000
    assert planned_size(limits.batch_bytes // 8, transcodes=True) == limits.batch_bytes
    assert not is_brief(1, planned_size(limits.batch_bytes // 2, transcodes=True))
