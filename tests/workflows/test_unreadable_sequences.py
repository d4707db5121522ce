"""What a job says of values that only look like sequences."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dicomorph.model.errors import StorageFullError
from dicomorph.services.jobs.actions import resubmit_job
from dicomorph.services.store.store_instance import store_instance
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.plan_job import plan_job
from tests.dicom_factory import Element, encode, part10, uid
from tests.support.jobs import counts
from tests.workflows.crashes import CrashError
from tests.workflows.embedded import Server
from tests.workflows.meddling import before_nth, failing, meddled

COUNT = "UnreadableSequencesCount"
IN_PLACE_KEEPING_PRIVATE: dict[str, Any] = {
    "Keep": ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "PatientID"],
    "KeepPrivateTags": True,
    "Force": True,
}


def stored(server: Server, *values: bytes) -> str:
    """Store an instance of one study for each value of a private element of VR UN."""
    answers = []
    for number, value in enumerate(values, 1):
        elements = [
            Element(0x00080018, "UI", uid(1, 1, 1, number)),
            Element(0x00090010, "LO", "ACME"),
            Element(0x00091001, "UN", value),
            Element(0x00100020, "LO", "P1"),
            Element(0x0020000D, "UI", uid(1, 1)),
            Element(0x0020000E, "UI", uid(1, 1, 1)),
        ]
        answers.append(store_instance(server.backend, part10(encode(elements)), remote_ip="192.0.2.7"))
    return str(answers[0]["ParentStudy"])


def test_a_job_counts_instances_that_lost_what_only_looks_like_a_sequence(server: Server) -> None:
    broken, plain = b"\xfe\xff\x00\xe0\xff\0\0\0", b"\xfe\xff\x00\xe0\0\0\0\0"
    study = stored(server, broken, plain, broken, b"other bytes!")
    job = server.run(study, anonymize=True, body={"KeepPrivateTags": True})
    assert (counts(job), job.content[COUNT]) == ((4, 0), 2)
    assert COUNT not in server.run(study, anonymize=True).content, "private elements went anyway"
    assert COUNT not in server.run(study, body={"RemovePrivateTags": True}).content


def test_instances_count_whose_worker_died_before_it_could_tell(overwriting: Server) -> None:
    study = stored(overwriting, *[b"\xfe\xff\x00\xe0\xff\0\0\0"] * 4)
    job = overwriting.submit(study, anonymize=True, body=IN_PLACE_KEEPING_PRIVATE)
    plan_job(overwriting.backend, job.id)
    objects = before_nth(
        overwriting.backend.objects,
        "put",
        1,
        failing(CrashError()),
        counts=lambda key, _: "/outcomes/" in key,
    )
    with pytest.raises(CrashError):
        edit_batch(replace(overwriting.backend, objects=objects), job.id, 0)
    done = overwriting.finish(job)
    assert (counts(done), done.content[COUNT]) == ((4, 0), 4)


def test_instances_that_an_earlier_attempt_has_edited_in_place_still_count(overwriting: Server) -> None:
    study = stored(overwriting, *[b"\xfe\xff\x00\xe0\xff\0\0\0"] * 4)
    job = overwriting.submit(study, anonymize=True, body=IN_PLACE_KEEPING_PRIVATE)
    done = meddled(overwriting, 4, failing(StorageFullError())).finish(job)
    assert (counts(done), done.content[COUNT]) == ((4, 1), 3)
    resubmit_job(overwriting.backend, job.id)
    done = overwriting.finish(job)
    assert (counts(done), done.content[COUNT]) == ((4, 0), 4)
