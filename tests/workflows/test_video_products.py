"""What a job says of video that it did not clean."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dicomorph.jobs.documents import encode_outcome, read_outcome
from dicomorph.jobs.model import BatchOutcome
from dicomorph.services.store.store_instance import store_instance
from dicomorph.services.submit.modification import submit_bulk_modification
from tests.dicom_factory import Element, encode, part10, uid
from tests.support.codestreams import SECRET, encapsulated, even
from tests.support.jobs import counts
from tests.workflows.embedded import CALLER, Server

START = b"\0\0\1"
STREAM = START + b"\xb3" + bytes(20) + START + b"\xb8" + bytes(20)
USER_DATA = START + b"\xb2" + SECRET
COUNT = "VideosWithUserDataCount"


def video(instance: int, stream: bytes) -> bytes:
    elements = [
        Element(0x00080018, "UI", uid(1, 1, 1, instance)),
        Element(0x00100020, "LO", "P1"),
        Element(0x0020000D, "UI", uid(1, 1)),
        Element(0x0020000E, "UI", uid(1, 1, 1)),
        Element(0x7FE00010, "OB", encapsulated([even(stream)]), undefined=True),
    ]
    return part10(encode(elements), "1.2.840.10008.1.2.4.100")


def stored(server: Server, *streams: bytes) -> str:
    answers = [
        store_instance(server.backend, video(number, stream), remote_ip="192.0.2.7")
        for number, stream in enumerate(streams, 1)
    ]
    return str(answers[0]["ParentStudy"])


@pytest.mark.parametrize("large", [False, True])
def test_a_job_counts_videos_with_user_data(server: Server, large: bool) -> None:  # noqa: FBT001
    padding = bytes(9 << 20) if large else b""
    study = stored(server, STREAM, STREAM + padding + USER_DATA, USER_DATA + STREAM)
    job = server.run(study, anonymize=True)
    assert (counts(job), job.content[COUNT]) == ((3, 0), 2)


def test_a_bulk_job_counts_them_as_well(server: Server) -> None:
    study = stored(server, STREAM + USER_DATA, USER_DATA + STREAM)
    job = submit_bulk_modification(
        server.backend, {"Resources": [study]}, is_anonymization=True, caller=CALLER
    )
    assert server.finish(job).content[COUNT] == 2


def test_nothing_is_said_where_there_is_nothing_to_say(server: Server) -> None:
    assert COUNT not in server.run(stored(server, STREAM), anonymize=True).content
    assert COUNT not in server.run(stored(server, STREAM + USER_DATA)).content, (
        "a modification cleans nothing"
    )


def test_outcomes_of_earlier_versions_are_read(server: Server) -> None:
    study = stored(server, STREAM + USER_DATA)
    server.run(study, anonymize=True)
    [key] = [key for key in server.backend.objects.keys("jobs/") if "/outcomes/" in key]
    document = server.backend.objects.get(key)
    found = read_outcome(document, 0)
    assert found is not None
    bare = BatchOutcome(0, tuple(replace(one, remarks=frozenset()) for one in found.instances))
    assert b"remarks" in (document or b"")
    assert b"remarks" not in encode_outcome(bare)
    assert read_outcome(encode_outcome(bare), 0) == bare
