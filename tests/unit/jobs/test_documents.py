"""The documents that a job leaves in the object store."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from dicomorph.jobs import documents
from dicomorph.jobs.documents import JobRequest
from dicomorph.jobs.model import Batch, BatchOutcome, InstanceOutcome
from dicomorph.model import object_keys
from dicomorph.model.resources import Ancestry, ObjectRef, Pin

refs = st.builds(ObjectRef, st.text(), st.text(), st.integers(0))
pins = st.builds(Pin, st.builds(Ancestry, st.text(), st.text(), st.text(), st.text()), refs)
outcomes = st.builds(InstanceOutcome, pins, st.none() | pins, st.integers(), st.text())
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.builds(Batch, st.integers(0), st.lists(pins, max_size=3).map(tuple)))
def test_a_batch_survives(batch: Batch) -> None:
    assert documents.decode_batch(documents.encode_batch(batch)) == batch


@given(
    st.builds(
        BatchOutcome,
        st.integers(0),
        st.lists(outcomes, max_size=3).map(tuple),
        st.lists(refs, max_size=2).map(tuple),
    )
)
def test_an_outcome_survives(outcome: BatchOutcome) -> None:
    assert documents.decode_outcome(documents.encode_outcome(outcome)) == outcome


@given(
    st.builds(
        JobRequest,
        body=st.dictionaries(st.text(), json_values),
        sources=st.lists(st.text()).map(tuple),
        changes=st.none() | st.dictionaries(st.text(), json_values),
        remote_ip=st.text(),
        username=st.text(),
    )
)
def test_a_request_survives(request: JobRequest) -> None:
    assert documents.decode_request(documents.encode_request(request)) == request


def test_text_without_an_encoding_survives() -> None:
    request = JobRequest(body={"UserData": "\ud800"}, sources=("a",))  # JSON may hold half a character
    assert documents.decode_request(documents.encode_request(request)) == request


def test_items_of_the_map_hold_no_resource() -> None:
    manifest = documents.encode_manifest("job", [2, 1])
    assert json.loads(manifest) == [
        {"job": "job", "batch": 0, "instances": 2},
        {"job": "job", "batch": 1, "instances": 1},
    ]
    assert documents.batch_sizes(manifest) == [2, 1]


def test_the_products_of_two_sources_never_share_a_key() -> None:
    keys = {object_keys.product_key("job", "ab-cd", batch, index) for batch in range(3) for index in range(3)}
    assert len(keys) == 9
    assert all(key.startswith("instances/ab/ab-cd/job-") for key in keys)
    assert all(object_keys.is_product_key(key, "job") for key in keys)
    assert not any(object_keys.is_product_key(key, "jo") for key in keys)
