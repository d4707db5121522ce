"""Jobs whose products are converted into another transfer syntax."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pydicom
import pytest

from dicomorph.jobs.items import LONG
from dicomorph.jobs.model import Job, JobState
from dicomorph.jobs.planning import PlannerLimits
from dicomorph.model.errors import BadFileFormatError, BadRequestError
from dicomorph.model.resources import Level, Pin
from dicomorph.model.settings import OverwriteInstances
from dicomorph.services.damage import check_object
from dicomorph.services.jobs.records import job_content
from dicomorph.services.submit.merge import submit_merge
from dicomorph.services.submit.modification import submit_bulk_modification
from dicomorph.services.submit.split import submit_split
from dicomorph.services.work.budget import Budget
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.next_step import Kind, next_step
from dicomorph.services.work.plan_job import plan_job
from tests.support.images import GREY, GREY_16
from tests.support.jobs import IN_PLACE, counts, outcome
from tests.workflows.embedded import CALLER, Server, serve
from tests.workflows.stack import deployed

IMPLICIT, EXPLICIT, RLE = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.5"
BASELINE, MPEG4 = "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.102"
SEVERAL = PlannerLimits(batch_instances=2, small_job_instances=0)


def images(server: Server, count: int = 3, **values: Any) -> str:
    answers = [server.upload(number, **GREY, **values) for number in range(1, count + 1)]
    return str(answers[0]["ParentStudy"])


def made(server: Server, sources: set[str]) -> list[Pin]:
    return [pin for pin in server.pins() if pin.ancestry.instance not in sources]


def stored(server: Server) -> set[str]:
    return {pin.ancestry.instance for pin in server.pins()}


def syntaxes(server: Server, pins: list[Pin]) -> set[str]:
    found = set()
    for pin in pins:
        instance = server.backend.index.catalogue.get(Level.INSTANCE, pin.ancestry.instance)
        assert instance is not None
        data = server.read(pin)
        assert instance.metadata["TransferSyntax"].value == data.file_meta.TransferSyntaxUID
        check_object(server.backend.objects, pin.object)
        found.add(str(data.file_meta.TransferSyntaxUID))
    return found


def content(server: Server, job: Job) -> Mapping[str, Any]:
    return job_content(server.backend, server.job(job.id))


@pytest.mark.parametrize("anonymize", [False, True])
@pytest.mark.parametrize("syntax", [RLE, BASELINE])
def test_all_products_have_the_transfer_syntax_that_was_asked_for(
    server: Server,
    syntax: str,
    anonymize: bool,  # noqa: FBT001
) -> None:
    study = images(server)
    sources = stored(server)
    job = server.run(study, body={"Transcode": syntax}, anonymize=anonymize)
    assert (outcome(job), counts(job)) == ((JobState.SUCCESS, 0), (3, 0))
    pins = made(server, sources)
    assert syntaxes(server, pins) == {syntax}
    found = content(server, job)
    assert found["Transcode"] == syntax
    assert not [name for name in found if name.startswith("Untranscoded")]
    for pin in pins:
        data = server.read(pin)
        assert (data.get("LossyImageCompression") == "01") is (syntax == BASELINE)
        if syntax == RLE:
            assert data.pixel_array.tobytes() == GREY["PixelData"]


def test_products_are_edited_before_they_are_converted(server: Server) -> None:
    study = images(server, 1)
    sources = stored(server)
    server.run(study, body={"Transcode": BASELINE, "Remove": ["LossyImageCompression"]})
    [pin] = made(server, sources)
    assert server.read(pin).LossyImageCompression == "01"


def test_products_have_the_identifiers_of_a_job_that_converts_nothing(server: Server) -> None:
    """A lossy product gets none of its own: that of the edit is new already."""
    study = images(server)
    sources = stored(server)
    plain = server.submit(study)
    converting = server.submit(study, body={"Transcode": BASELINE})
    change = replace(server.job(converting.id), key=plain.key)
    server.backend.jobs.update(change)
    server.finish(plain)
    first = stored(server) - sources
    assert outcome(server.finish(converting))[0] is JobState.FAILURE, (
        "all are taken, under the same identifiers"
    )
    assert stored(server) - sources == first


def test_a_lossy_image_under_an_identifier_that_was_named_is_refused(overwriting: Server) -> None:
    study = images(overwriting, 1)
    for body in (
        {"Keep": ["SOPInstanceUID"], "Force": True},
        {"Replace": {"0008-0018": "1.2.3.4"}, "Force": True},
        {**IN_PLACE},
    ):
        for anonymize in (False, True):
            with pytest.raises(BadRequestError, match="SOPInstanceUID"):
                overwriting.submit(study, body={**body, "Transcode": BASELINE}, anonymize=anonymize)
        fields: dict[str, Any] = {**body, "Transcode": BASELINE, "Resources": [study], "Level": "Study"}
        with pytest.raises(BadRequestError, match="SOPInstanceUID"):
            submit_bulk_modification(overwriting.backend, fields, is_anonymization=False, caller=CALLER)
    assert overwriting.backend.jobs.all() == []


def test_a_lossless_one_is_converted_in_place(overwriting: Server) -> None:
    study = images(overwriting)
    sources = stored(overwriting)
    job = overwriting.run(study, body={**IN_PLACE, "Transcode": RLE})
    assert (outcome(job), counts(job)) == ((JobState.SUCCESS, 0), (3, 0))
    assert stored(overwriting) == sources
    assert syntaxes(overwriting, overwriting.pins()) == {RLE}


@pytest.mark.parametrize("syntax", [5, None, "", "nope", "1.2.3"])
def test_what_is_no_transfer_syntax_is_refused(server: Server, syntax: Any) -> None:
    study = images(server, 1)
    with pytest.raises(BadFileFormatError):
        server.submit(study, body={"Transcode": syntax})
    assert server.backend.jobs.all() == []


def test_what_cannot_be_converted_keeps_its_transfer_syntax_and_is_listed(server: Server) -> None:
    study = images(server, 2)
    server.upload(9, **GREY_16)
    sources = stored(server)
    job = server.run(study, body={"Transcode": BASELINE, "KeepSource": False})
    assert (outcome(job), counts(job)) == ((JobState.SUCCESS, 0), (3, 0))
    pins = made(server, sources)
    assert len(pins) == len(server.pins()) == 3
    assert syntaxes(server, pins) == {BASELINE, EXPLICIT}
    found = content(server, job)
    [left] = [pin for pin in pins if server.read(pin).BitsAllocated == 16]
    assert found["UntranscodedInstancesCount"] == 1
    [listed] = found["UntranscodedInstances"]
    assert listed["ID"] == left.ancestry.instance
    assert listed["Details"]
    assert not any(source in json.dumps(listed) for source in sources)


def test_a_transfer_syntax_that_nothing_can_be_written_in_leaves_all_as_it_is(server: Server) -> None:
    study = images(server)
    sources = stored(server)
    job = server.run(study, body={"Transcode": MPEG4})
    assert (outcome(job), counts(job)) == ((JobState.SUCCESS, 0), (3, 0))
    pins = made(server, sources)
    assert syntaxes(server, pins) == {EXPLICIT}
    found = content(server, job)
    assert found["UntranscodedInstancesCount"] == 3
    assert [one["ID"] for one in found["UntranscodedInstances"]] == sorted(
        pin.ancestry.instance for pin in pins
    )


@pytest.mark.parametrize("syntax", [RLE, BASELINE])
def test_a_step_that_is_repeated_writes_the_same(server: Server, syntax: str) -> None:
    study = images(server, 2)
    sources = stored(server)
    job = server.submit(study, body={"Transcode": syntax})
    assert plan_job(server.backend, job.id) == 1
    edit_batch(server.backend, job.id, 0)
    first = {pin.object: server.backend.objects.checksum(pin.object) for pin in made(server, sources)}
    for key in server.backend.objects.keys(f"jobs/{job.id}/outcomes/"):
        pin = server.pins()[0]
        server.backend.objects.discard([replace(pin.object, key=key)], pinned=False)
    edit_batch(server.backend, job.id, 0)
    assert {pin.object: server.backend.objects.checksum(pin.object) for pin in made(server, sources)} == first
    assert counts(server.finish(job)) == (2, 0)


def test_products_are_stored_as_uploads_are_unless_the_job_asks_for_something(tmp_path: Path) -> None:
    server = serve(tmp_path / "data", ingest_transcoding=RLE)
    before = serve(tmp_path / "data")
    study = images(before)
    sources = stored(server)
    assert syntaxes(server, server.pins()) == {EXPLICIT}
    for body, syntax in (({}, RLE), ({"Transcode": EXPLICIT}, EXPLICIT), ({"Transcode": BASELINE}, BASELINE)):
        known = stored(server)
        assert counts(server.run(study, body=body)) == (3, 0)
        assert syntaxes(server, made(server, known)) == {syntax}
    assert sources < stored(server)


def test_so_are_those_of_splits_and_merges(tmp_path: Path) -> None:
    study = images(serve(tmp_path / "data"), 2)
    server = serve(tmp_path / "data", ingest_transcoding=RLE)
    target = server.upload(study=7, **GREY)["ParentStudy"]
    series = [pin.ancestry.series for pin in server.pins() if pin.ancestry.study == study]
    body: dict[str, Any] = {"Series": series[:1], "KeepSource": True, "Transcode": BASELINE}
    known = stored(server)
    server.finish(submit_split(server.backend, body, study_id=study, caller=CALLER))
    assert syntaxes(server, made(server, known)) == {RLE}
    known = stored(server)
    body = {"Resources": [study], "KeepSource": True}
    server.finish(submit_merge(server.backend, body, study_id=str(target), caller=CALLER))
    assert syntaxes(server, made(server, known)) == {RLE}


def test_what_goes_to_a_target_is_not_stored(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    study = images(serve(tmp_path / "data"), 2)
    server = serve(tmp_path / "data", ingest_transcoding=RLE, targets={"research": str(folder)})
    for body, syntax in (({}, EXPLICIT), ({"Transcode": RLE}, RLE), ({"Transcode": BASELINE}, BASELINE)):
        job = server.run(study, body={**body, "Target": "research"})
        found = content(server, job)
        assert {
            str(pydicom.dcmread(folder / file["Key"]).file_meta.TransferSyntaxUID) for file in found["Files"]
        } == {syntax}


def test_a_product_that_is_stored_already_is_compared_by_its_converted_bytes(tmp_path: Path) -> None:
    server = serve(tmp_path / "data", overwrite_instances=OverwriteInstances.IF_CHANGED)
    study = images(server)
    body = {**IN_PLACE, "Transcode": RLE}
    assert counts(server.run(study, body=body)) == (3, 0)
    files = server.files()
    assert counts(server.run(study, body=body)) == (3, 0)
    assert server.files() == files


def steps_of(server: Server, job: Job) -> list[Kind]:
    """Return what the workflow does for a job, until there is nothing left to edit."""
    found: list[Kind] = []
    cursor: Mapping[str, Any] = {}
    while not found or found[-1] is not Kind.FINALIZE:
        step = next_step(server.backend, job.id, 1, cursor, Budget())
        found.append(step.kind)
        cursor = step.cursor
        for number in range(server.job(job.id).batches):
            edit_batch(server.backend, job.id, number)
    return found


@pytest.mark.parametrize(
    ("limits", "body", "kinds"),
    [
        (SEVERAL, {}, [Kind.EXPRESS, Kind.FINALIZE]),
        (SEVERAL, {"Transcode": RLE}, [Kind.STANDARD, Kind.FINALIZE]),
        (PlannerLimits(), {"Transcode": RLE}, [Kind.BATCH, Kind.FINALIZE]),
    ],
)
def test_batches_that_are_converted_are_given_their_time(
    tmp_path: Path, limits: PlannerLimits, body: dict[str, Any], kinds: list[Kind]
) -> None:
    server = serve(tmp_path / "data", limits=limits)
    job = server.submit(images(server), body=body)
    assert steps_of(server, job) == kinds


def test_they_are_smaller_than_others(tmp_path: Path) -> None:
    server = serve(tmp_path / "data", limits=PlannerLimits(batch_bytes=12_000, small_job_bytes=0))
    study = images(server, 4)
    sizes = {pin.object.size for pin in server.pins()}
    assert max(sizes) < 3_000
    plain, converting = server.submit(study), server.submit(study, body={"Transcode": RLE})
    assert (plan_job(server.backend, plain.id), plan_job(server.backend, converting.id)) == (1, 4)


@pytest.mark.slow
def test_the_state_machine_converts_a_study_in_the_map_of_long_items() -> None:
    with deployed(PlannerLimits(batch_instances=3, small_job_instances=3)) as stack:
        job = stack.run(stack.upload("PAT", 7), Transcode=IMPLICIT)
        assert (outcome(job), counts(job)) == ((JobState.SUCCESS, 0), (7, 0))
        assert {call["pass"] for call in stack.calls} == {LONG}
        assert stack.map_items() == {"succeeded": 3, "failed": 0}
        pins = stack.backend.index.catalogue.pins(Level.STUDY, str(job.content["ID"]))
        assert syntaxes(Server(stack.backend), list(pins)) == {IMPLICIT}
