"""A restart or deployment amid a job: its products are all made by what was set when it was submitted."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import pydicom
import pytest

from dicomorph.deid.requests import profile_choice
from dicomorph.dicom.standard.transfer_syntaxes import (
    DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN,
    JPEG_BASELINE,
    RLE_LOSSLESS,
)
from dicomorph.jobs.documents import request_key
from dicomorph.jobs.model import Job, JobState
from dicomorph.jobs.shaping_settings import shaping_of
from dicomorph.model.errors import ParameterOutOfRangeError
from dicomorph.model.settings import PrivateTag, Settings, UnencodableText
from dicomorph.services.server.default_encoding import change_default_encoding
from dicomorph.services.submit.merge import submit_merge
from dicomorph.services.submit.split import submit_split
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import finalize_job
from dicomorph.services.work.plan_job import plan_job
from tests.support.images import GREY
from tests.support.jobs import counts, outcome
from tests.workflows.aws_server import aws_server
from tests.workflows.embedded import CALLER, Server

TRIALS = "EXAMPLE TRIALS"
DICTIONARY = (
    PrivateTag(0x00310010, "LO", "TrialCreator", TRIALS),
    PrivateTag(0x00311001, "DS", "TrialScore", TRIALS),
)
SOURCES = 4
SHAPES_NO_BYTE = {
    *(
        "overwrite_instances",
        "sync_storage_area",
        "jobs_history_size",
        "require_patient_id",
        "concurrent_jobs",
    ),
    *("store_anonymized_from", "targets", "check_revisions", "stable_age", "limit_find_instances"),
    *("limit_find_results", "case_sensitive_pn", "http_describe_errors", "user_metadata"),
    *("allowed_hosts", "allowed_origins", "ssl_enabled", "ssl_certificate", "ssl_private_key"),
    *("paused_job_timeout", "concurrent_jobs", "target_mode"),
    *("maximum_storage_size", "maximum_storage_mode", "minimum_free_space"),
    *("maximum_body_size", "maximum_inflated_size"),
    *("access_trail", "arrival_rules", "arrival_stable_age", "rejected_days"),
    "allow_lists",  # the list itself is written down with the request
    *("default_encoding", "modified_references"),  # in the record of the job
}


class Case(NamedTuple):
    """A setting that shapes bytes: two values, a request to which it matters, and where it shows."""

    first: dict[str, Any]
    second: dict[str, Any]
    body: dict[str, Any]
    shown: Callable[[pydicom.Dataset], object]
    anonymize: bool = True


PRIVATE = {"Replace": {"0031,0010": TRIALS, "0031,1001": "0.5"}}
CASES = {
    "DefaultDicomVersion": Case(
        {"default_dicom_version": "2008"},
        {"default_dicom_version": "2021b"},
        {},
        lambda data: (data.get("StudyDate"), str(data.DeidentificationMethod)[-30:]),
    ),
    "DefaultDicomVersion, first unset": Case(
        {},
        {"default_dicom_version": "2008"},
        {},
        lambda data: (data.get("StudyDate"), str(data.DeidentificationMethod)[-30:]),
    ),
    "DefaultDicomVersion, of this version and of the next": Case(
        {},
        {"default_dicom_version": "2026d"},
        {},
        lambda data: (data.get("StudyDate"), str(data.DeidentificationMethod)[-30:]),
    ),
    "DefaultDicomVersion, from one that Orthanc does not have": Case(
        {"default_dicom_version": "2026d"},
        {"default_dicom_version": "2023b"},
        {"Profile": {"Options": ["RetainLongitudinalFullDates"]}},
        lambda data: (data.get("StudyDate"), len(data.DeidentificationMethodCodeSequence)),
    ),
    "DefaultPrivateCreator": Case(
        {"default_private_creator": TRIALS, "dictionary": DICTIONARY},
        {"dictionary": DICTIONARY},
        PRIVATE,
        lambda data: data[0x00311001].VR,
    ),
    "Dictionary": Case(
        {"dictionary": DICTIONARY},
        {},
        {"PrivateCreator": TRIALS, **PRIVATE},
        lambda data: data[0x00311001].VR,
        anonymize=False,
    ),
    "Dictionary, by a name that is gone": Case(
        {"dictionary": DICTIONARY},
        {},
        {"PrivateCreator": TRIALS, "Replace": {"TrialCreator": TRIALS, "TrialScore": "0.5"}},
        lambda data: data[0x00311001].VR,
        anonymize=False,
    ),
    "IngestTranscoding": Case(
        {"ingest_transcoding": RLE_LOSSLESS},
        {"ingest_transcoding": DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN},
        {},
        lambda data: data.file_meta.TransferSyntaxUID,
    ),
    "DicomLossyTranscodingQuality": Case(
        {"dicom_lossy_transcoding_quality": 30},
        {"dicom_lossy_transcoding_quality": 80},
        {"Transcode": JPEG_BASELINE},
        lambda data: len(data.PixelData),
        anonymize=False,
    ),
    "UnencodableText": Case(
        {"unencodable_text": UnencodableText.DROP},
        {"unencodable_text": UnencodableText.ERROR},
        {"Replace": {"PatientName": "Жук^A"}},
        lambda data: str(data.PatientName),
    ),
}


def with_settings(server: Server, **settings: Any) -> Server:
    return Server(replace(server.backend, settings=replace(server.backend.settings, **settings)))


def without(server: Server) -> Server:
    """Return the server with none of the settings that shape bytes."""
    return with_settings(server, **shaping_of(Settings()))


def upload(server: Server, **more: Any) -> str:
    values = {"StudyDate": "20240102", "SpecificCharacterSet": "ISO_IR 100", **GREY, **more}
    (study,) = {str(server.upload(number, **values)["ParentStudy"]) for number in range(1, SOURCES + 1)}
    return study


def products(server: Server, sources: set[str]) -> list[pydicom.Dataset]:
    return [server.read(pin) for pin in server.pins() if pin.ancestry.instance not in sources]


def interrupted(before: Server, after: Server, job: Job) -> Job:
    """Run the half of a job, and the rest of it after a restart with other settings."""
    assert plan_job(before.backend, job.id) == SOURCES // 2
    edit_batch(before.backend, job.id, 0)
    change_default_encoding(after.backend, "Utf8")
    plan_job(after.backend, job.id)
    for number in range(1, SOURCES // 2):
        edit_batch(after.backend, job.id, number)
    finalize_job(after.backend, job.id)
    return after.job(job.id)


def check_one_profile(server: Server, case: Case, *, planned_before: bool = True) -> None:
    before = with_settings(without(server), **case.first)
    after = with_settings(without(server), **case.second)
    source = upload(server)
    stored = {pin.ancestry.instance for pin in server.pins()}
    job = before.submit(source, body=case.body, anonymize=case.anonymize)
    done = interrupted(before if planned_before else after, after, job)
    assert (outcome(done), counts(done)) == ((JobState.SUCCESS, 0), (SOURCES, 0))
    made = {case.shown(data) for data in products(server, stored)}
    alone = before.run(source, body=case.body, anonymize=case.anonymize)
    everything = {case.shown(data) for data in products(server, stored)}
    assert alone.state is JobState.SUCCESS
    assert made == everything
    assert len(made) == 1


@pytest.mark.parametrize("planned_before", [True, False])
@pytest.mark.parametrize("name", CASES)
def test_half_a_study_gets_no_other_profile(
    server: Server,
    name: str,
    planned_before: bool,  # noqa: FBT001
) -> None:
    check_one_profile(server, CASES[name], planned_before=planned_before)


def test_a_list_that_is_changed_or_lost_amid_a_job_is_what_it_was(server: Server, tmp_path: Path) -> None:
    lists = tmp_path / "lists"
    lists.mkdir()
    (lists / "mine.json").write_text('{"Tags": ["StudyDate"]}')
    listing = with_settings(server, allow_lists=str(lists), default_dicom_version="2026d")
    source = upload(server)
    stored = {pin.ancestry.instance for pin in server.pins()}
    job = listing.submit(source, body={"Profile": {"AllowList": "mine"}}, anonymize=True)
    assert plan_job(listing.backend, job.id) == SOURCES // 2
    edit_batch(listing.backend, job.id, 0)
    (lists / "mine.json").write_text('{"Tags": []}')
    edit_batch(listing.backend, job.id, 1)
    finalize_job(server.backend, job.id)
    assert (outcome(server.job(job.id)), counts(server.job(job.id))) == ((JobState.SUCCESS, 0), (SOURCES, 0))
    assert {data.get("StudyDate") for data in products(server, stored)} == {"20240102"}
    job = listing.submit(source, body={"Profile": {"AllowList": "mine"}}, anonymize=True)
    (lists / "mine.json").unlink()
    assert counts(without(server).finish(job)) == (SOURCES, 0)


def test_a_version_that_does_not_know_the_edition_fails_the_job_and_makes_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = upload(server)
    later = with_settings(server, default_dicom_version="2026d")
    job = later.submit(source, body={"Profile": {"Options": ["RetainUIDs"]}}, anonymize=True)
    monkeypatch.setattr(profile_choice, "ALL_EDITIONS", ("2008", "2017c", "2021b", "2023b"))
    assert outcome(server.finish(job)) == (JobState.FAILURE, ParameterOutOfRangeError.code)
    assert len(server.pins()) == SOURCES


def test_nor_does_it_on_aws() -> None:
    with aws_server() as (server, _):
        check_one_profile(server, CASES["DefaultDicomVersion"])


def _split(server: Server, study: str) -> Job:
    series = [pin.ancestry.series for pin in server.pins() if pin.ancestry.study == study]
    body: dict[str, Any] = {"Series": series[:1], "Replace": {"PatientName": "Жук^A"}}
    return submit_split(server.backend, body, study_id=study, caller=CALLER)


def _merge(server: Server, study: str) -> Job:
    target = server.upload(study=7, SpecificCharacterSet="ISO_IR 144", PatientName="Жук^A")
    body: dict[str, Any] = {"Resources": [study]}
    return submit_merge(server.backend, body, study_id=str(target["ParentStudy"]), caller=CALLER)


@pytest.mark.parametrize("submit", [_split, _merge])
def test_nor_do_studies_that_are_split_or_merged(
    server: Server, submit: Callable[[Server, str], Job]
) -> None:
    # Text beyond ASCII binds the products to the character set of their sources.
    study = upload(server, SeriesDescription="Müller")
    job = submit(with_settings(server, unencodable_text=UnencodableText.DROP), study)
    done = interrupted(server, server, job)
    assert (outcome(done), counts(done)) == ((JobState.SUCCESS, 0), (SOURCES, 0))
    names = {str(server.read(pin).PatientName) for pin in server.pins()} - {"Жук^A"}
    assert names == {"^A"}


def test_products_are_marked_with_the_version_that_took_the_request(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = upload(server)
    stored = {pin.ancestry.instance for pin in server.pins()}
    with monkeypatch.context() as patch:
        patch.setattr("dicomorph.services.submit.start_job.SOFTWARE", "Dicomorph 0.0.9")
        job = server.submit(source, anonymize=True)
    assert interrupted(server, server, job).state is JobState.SUCCESS
    methods = [str(data.DeidentificationMethod) for data in products(server, stored)]
    assert [method.partition(" - ")[0] for method in methods] == ["Dicomorph 0.0.9"] * SOURCES


def test_a_job_of_an_earlier_version_goes_on_with_the_settings_of_today(server: Server) -> None:
    source = upload(server)
    stored = {pin.ancestry.instance for pin in server.pins()}
    job = server.submit(source, anonymize=True)
    document = json.loads(server.backend.objects.get(request_key(job.id)) or b"")
    del document["Settings"], document["Software"]
    server.backend.objects.put(request_key(job.id), json.dumps(document).encode())
    today = with_settings(server, default_dicom_version="2008")
    assert counts(today.finish(job)) == (SOURCES, 0)
    assert {data.StudyDate for data in products(server, stored)} == {"20240102"}


def test_each_setting_is_known_to_shape_bytes_or_not() -> None:
    shaping = shaping_of(Settings()).keys()
    assert shaping | SHAPES_NO_BYTE == {field.name for field in dataclasses.fields(Settings)}
    assert not shaping & SHAPES_NO_BYTE
