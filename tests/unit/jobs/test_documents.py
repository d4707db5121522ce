"""The documents that a job leaves in the object store."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dicomorph.jobs import documents
from dicomorph.jobs.documents import JobRequest
from dicomorph.jobs.listings import InPieces, encode_listing, read_listing
from dicomorph.jobs.model import Batch, BatchOutcome, InstanceOutcome
from dicomorph.jobs.shaping_settings import shaping_of
from dicomorph.model import object_keys
from dicomorph.model.remarks import Remark
from dicomorph.model.resources import Ancestry, ObjectRef, Pin
from dicomorph.model.settings import PrivateTag, Settings, UnencodableText
from tests.support.jobs import JOB

known = st.tuples(st.integers(0), st.none() | st.tuples(st.integers(0), st.integers(0)))
refs = st.builds(
    lambda *numbers: ObjectRef(*numbers[:3], *numbers[3]),
    *(st.text(), st.text(), st.integers(0), st.just((None, None)) | known),
)
pins = st.builds(Pin, st.builds(Ancestry, st.text(), st.text(), st.text(), st.text()), refs)
outcomes = st.builds(
    InstanceOutcome,
    pins,
    st.none() | pins,
    st.integers(),
    st.text(),
    st.frozensets(st.sampled_from(Remark)),
    st.text(),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


requests = st.builds(
    JobRequest,
    body=st.dictionaries(st.text(), json_values),
    sources=st.lists(st.text()).map(tuple),
    changes=st.none() | st.dictionaries(st.text(), json_values),
    remote_ip=st.text(),
    username=st.text(),
    settings=st.builds(
        Settings,
        default_private_creator=st.text(),
        dictionary=st.lists(st.builds(PrivateTag, st.integers(0), st.text(), st.text(), st.text())).map(
            tuple
        ),
        unencodable_text=st.sampled_from(UnencodableText),
        refuse_burned_in=st.booleans(),
    ).map(shaping_of)
    | st.just({}),
    software=st.text(),
    allow_lists=st.dictionaries(st.text(), st.frozensets(st.integers(0)), max_size=1),
)
copies = st.dictionaries(st.integers(0), st.integers(0), max_size=3)
batches = st.builds(Batch, st.integers(0), st.lists(pins, max_size=3).map(tuple), copies)
batch_outcomes = st.builds(
    BatchOutcome,
    st.integers(0),
    st.lists(outcomes, max_size=3).map(tuple),
    st.lists(refs, max_size=2).map(tuple),
)

Reader = Callable[[bytes | None], object]
Place = tuple[str | int, ...]
PLANNED = replace(JOB, plan="9a", batches=2)
READERS: dict[str, Reader] = {
    "request": documents.read_request,
    "listing": read_listing,
    "manifest": partial(documents.read_manifest, job=PLANNED),
    "batch": partial(documents.read_batch, number=3),
    "outcome": partial(documents.read_outcome, number=3, instances=2),
    "part": partial(documents.read_outcome, number=3, instances=1),
}
PIN = Pin(Ancestry("p", "s", "e", "i"), ObjectRef("instances/i", "v1", 7, 9))
DOCUMENTS = {
    "request": documents.encode_request(
        JobRequest(
            body={"Force": True},
            sources=("s",),
            settings=shaping_of(
                Settings(dictionary=(PrivateTag(0x00310010, "LO", "TrialCreator", "TRIALS"),))
            ),
            software="Dicomorph",
            allow_lists={"mine": frozenset((0x00280010, 0x00280011))},
        )
    ),
    "listing": encode_listing(
        {"Resources": [{"ID": "s"}], "ParentResources": ["s"], "Products": InPieces(5, 1)}
    ),
    "manifest": documents.encode_manifest(JOB.id, [2, 1]),
    "batch": documents.encode_batch(Batch(3, (PIN, PIN), {1: 1})),
    "outcome": documents.encode_outcome(
        BatchOutcome(3, (InstanceOutcome(PIN, PIN), InstanceOutcome(PIN, None, 19, "full")), (PIN.object,))
    ),
    "part": documents.encode_outcome(BatchOutcome(3, (InstanceOutcome(PIN, PIN),))),
}

_PIN_PLACES: list[Place] = [(), *((step,) for step in range(8))]
TYPED: dict[str, list[Place]] = {
    "request": [
        *[("Body",), ("Sources",), ("Sources", 0), ("RemoteIP",), ("HttpUsername",)],
        *[("Settings",), ("Software",), ("AllowLists",), ("AllowLists", "mine"), ("AllowLists", "mine", 0)],
        *(("Settings", name) for name in sorted(shaping_of(Settings()))),
        *[("Settings", "dictionary", 0), *(("Settings", "dictionary", 0, step) for step in range(4))],
    ],
    "listing": [
        *[("Resources",), ("ParentResources",)],
        *[("Products", "Entries"), ("Products", "Pieces")],
    ],
    "manifest": [(0,), (0, "instances")],
    "batch": [
        *[("batch",), ("sources",), ("copies",), ("copies", 0), ("copies", 0, 0), ("copies", 0, 1)],
        *(("sources", 0, *place) for place in _PIN_PLACES),
    ],
    "outcome": [
        *[("batch",), ("instances",), ("instances", 0), ("instances", 0, "error")],
        *[("instances", 0, "details"), ("superseded",), ("superseded", 0)],
        *(("superseded", 0, step) for step in range(4)),
        *(("instances", 0, "source", *place) for place in _PIN_PLACES),
        *(("instances", 0, "product", *place) for place in _PIN_PLACES[1:]),
    ],
}


@given(batches)
def test_a_batch_survives(batch: Batch) -> None:
    read = documents.read_batch(documents.encode_batch(batch), batch.number)
    assert read == batch
    assert [pin.object.crc32 for pin in read.pins] == [pin.object.crc32 for pin in batch.pins]
    assert [pin.object.fragments for pin in read.pins] == [pin.object.fragments for pin in batch.pins]


@given(batches)
def test_a_batch_of_an_earlier_version_has_no_checksums(batch: Batch) -> None:
    document = json.loads(documents.encode_batch(batch))
    document["sources"] = [pin[:7] for pin in document["sources"]]
    read = documents.read_batch(json.dumps(document).encode("utf-8", "surrogatepass"), batch.number)
    assert read == batch
    assert all(pin.object.crc32 is None and pin.object.fragments is None for pin in read.pins)


@given(batch_outcomes)
def test_an_outcome_survives(outcome: BatchOutcome) -> None:
    document = documents.encode_outcome(outcome)
    assert documents.read_outcome(document, outcome.number) == outcome
    assert documents.read_outcome(document, outcome.number, len(outcome.instances)) == outcome


@given(requests)
def test_a_request_survives(request: JobRequest) -> None:
    assert documents.read_request(documents.encode_request(request)) == request


@pytest.mark.parametrize("kind", READERS)
def test_a_document_that_was_cut_short_anywhere_is_absent(kind: str) -> None:
    read, document = READERS[kind], DOCUMENTS[kind]
    assert read(document) is not None
    assert read(None) is None
    assert [stop for stop in range(len(document)) if read(document[:stop]) is not None] == []
    assert read(bytes(len(document))) is None  # as some file systems leave it


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("other", DOCUMENTS)
def test_a_document_of_another_kind_is_absent(kind: str, other: str) -> None:
    assert (READERS[kind](DOCUMENTS[other]) is not None) == (kind == other)


@pytest.mark.parametrize("kind", READERS)
@given(document=st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_whatever_stands_there_is_a_document_or_none(kind: str, document: bytes) -> None:
    found = READERS[kind](document)
    assert found is None or kind == "listing"  # which may be empty


@pytest.mark.parametrize("kind", READERS)
@pytest.mark.parametrize("start", [b"[", b'{"a":', b'[{"a":'])
def test_a_deep_document_is_absent(kind: str, start: bytes) -> None:
    assert READERS[kind](start * 100_000) is None


@pytest.mark.parametrize(("kind", "place"), [(kind, place) for kind in TYPED for place in TYPED[kind]])
def test_a_value_of_another_type_makes_a_document_absent(kind: str, place: Place) -> None:
    *parents, last = place
    for value in (None, True, 7, 1.5, "seven..", "ab", [], [1, 2], {}, {"a": 1, "b": 2}):
        document = json.loads(DOCUMENTS[kind])
        holder = document
        for step in parents:
            holder = holder[step]
        if type(value) is not type(holder[last]):
            holder[last] = value
            assert READERS[kind](json.dumps(document).encode()) is None, value


def test_a_request_of_an_earlier_version_has_no_settings() -> None:
    document = json.loads(DOCUMENTS["request"])
    del document["Settings"], document["Software"], document["AllowLists"]
    request = documents.read_request(json.dumps(document).encode())
    assert request == JobRequest(body={"Force": True}, sources=("s",))
    assert request is not None
    assert request.settings_of_job(Settings(default_private_creator="X")).default_private_creator == "X"
    assert request.settings_of_job(Settings()).default_dicom_version == "2023b", "as it was then"
    assert request.settings_of_job(Settings(default_dicom_version="2008")).default_dicom_version == "2008"


def test_a_request_without_a_list_is_as_it_always_was() -> None:
    document = documents.encode_request(JobRequest(body={}, sources=("s",)))
    assert "AllowLists" not in json.loads(document)


def test_a_setting_that_a_later_version_has_added_is_ignored() -> None:
    document = json.loads(DOCUMENTS["request"])
    document["Settings"]["later"] = 1
    assert documents.read_request(json.dumps(document).encode()) == documents.read_request(
        DOCUMENTS["request"]
    )


def test_there_is_no_number_of_instances_below_zero() -> None:
    assert documents.read_manifest(documents.encode_manifest(JOB.id, [2, -1]), PLANNED) is None


def test_text_without_an_encoding_survives() -> None:
    request = JobRequest(body={"UserData": "\ud800"}, sources=("a",))  # JSON may hold half a character
    assert documents.read_request(documents.encode_request(request)) == request


def test_items_of_the_map_hold_no_resource() -> None:
    manifest = documents.encode_manifest("job", [2, 1])
    assert json.loads(manifest) == [
        {"job": "job", "batch": 0, "instances": 2},
        {"job": "job", "batch": 1, "instances": 1},
    ]
    assert documents.read_manifest(manifest, PLANNED) == [2, 1]
    assert documents.read_manifest(manifest, JOB) is None  # whose record says that there is none


def test_the_products_of_two_sources_never_share_a_key() -> None:
    keys = {object_keys.product_key("job", "ab-cd", batch, index) for batch in range(3) for index in range(3)}
    assert len(keys) == 9
    assert all(key.startswith("instances/ab/ab-cd/job-") for key in keys)
    assert all(object_keys.is_product_key(key, "job") for key in keys)
    assert not any(object_keys.is_product_key(key, "jo") for key in keys)
