"""Jobs through the real server: processes on real files."""

import contextlib
import io
import json
import os
import signal
import socket
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset

from dicomorph.dicom.standard.transfer_syntaxes import JPEG_2000_LOSSLESS
from tests.benchmarks.filling import fill


def upload(server: Any, study: list[Path]) -> str:
    (parent,) = {server.upload(file)["ParentStudy"] for file in study}
    return str(parent)


def instances(server: Any, study_id: str) -> list[Dataset]:
    ids = [entry["ID"] for entry in server.get(f"/studies/{study_id}/instances").json]
    return [pydicom.dcmread(io.BytesIO(server.get(f"/instances/{i}/file").body)) for i in ids]


def count(values: Iterable[str]) -> int:
    return len(set(values))


def test_a_study_is_anonymized_while_the_client_waits(server: Any, study: list[Path]) -> None:
    source = upload(server, study)
    known = set(server.get("/jobs").json)
    content = server.post(f"/studies/{source}/anonymize", "{}").json
    assert (content["InstancesCount"], content["FailedInstancesCount"]) == (6, 0)
    assert (content["Type"], content["Path"]) == ("Study", f"/studies/{content['ID']}")
    assert content["ParentResources"] == [source]
    assert server.counts() == (2, 2, 4, 12)
    assert server.get(f"/studies/{content['ID']}").json["ParentPatient"] == content["PatientID"]
    (job,) = set(server.get("/jobs").json) - known
    assert server.get(f"/jobs/{job}").json["State"] == "Success"
    products = instances(server, content["ID"])
    assert count(p.StudyInstanceUID for p in products) == count(p.PatientID for p in products) == 1
    assert count(p.SeriesInstanceUID for p in products) == 2
    assert {str(p.PatientName)[:10] for p in products} == {"Anonymized"}
    stored = {p.SOPInstanceUID for p in products}
    assert {p.ReferencedImageSequence[0].ReferencedSOPInstanceUID for p in products} <= stored


def test_a_study_is_converted_by_worker_processes(server: Any, study: list[Path]) -> None:
    source = upload(server, study)
    body = {"Transcode": JPEG_2000_LOSSLESS, "KeepSource": False}
    content = server.post(f"/studies/{source}/modify", body).json
    assert (content["InstancesCount"], content["Transcode"]) == (6, JPEG_2000_LOSSLESS)
    assert "UntranscodedInstancesCount" not in content
    assert {p.file_meta.TransferSyntaxUID for p in instances(server, content["ID"])} == {JPEG_2000_LOSSLESS}
    assert server.counts() == (1, 1, 2, 6)


def test_a_study_is_modified_in_the_background(server: Any, study: list[Path]) -> None:
    source = upload(server, study)
    body = {"Replace": {"StudyDescription": "Other"}, "KeepSource": False, "Asynchronous": True}
    submitted = server.post(f"/studies/{source}/modify", body).json
    assert submitted["Path"] == f"/jobs/{submitted['ID']}"
    job = server.wait_for_job(submitted["ID"])
    assert (job["State"], job["Progress"], job["ErrorCode"]) == ("Success", 100, 0)
    assert server.get(f"/studies/{source}").status == 404
    assert server.counts() == (1, 1, 2, 6)
    product = server.get(f"/studies/{job['Content']['ID']}").json
    assert product["MainDicomTags"]["StudyDescription"] == "Other"


@pytest.mark.parametrize("signals", [pytest.param([signal.SIGTERM], marks=pytest.mark.slow), []])
def test_whoever_waits_for_a_job_that_stands_still_is_told_where_it_is(
    make_server: Callable[..., Any], study: list[Path], tmp_path: Path, signals: list[int]
) -> None:
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({"PausedJobTimeout": 0 if signals else 1}))
    server = make_server("--settings", str(settings))
    source = upload(server, study)
    stopped = server.workers()
    for worker in stopped:
        os.kill(worker, signal.SIGSTOP)
    with ThreadPoolExecutor(2) as pool:
        # One client goes, another one waits.
        with socket.create_connection(("127.0.0.1", server.port)) as gone:
            request = f"POST /studies/{source}/anonymize HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
            gone.sendall(f"{request}\r\n{{}}".encode())
            server.wait_for(lambda: len(server.get("/jobs").json) == 1)
        [first] = server.get("/jobs").json
        waiting = pool.submit(server.post, f"/studies/{source}/anonymize", "{}")
        server.wait_for(lambda: len(server.get("/jobs").json) == 2)
        [job] = set(server.get("/jobs").json) - {first}
        assert server.post(f"/jobs/{job}/pause", "").status == 200
        for number in signals:
            server.process.send_signal(number)
        answer = waiting.result(30)
    assert (answer.status, answer.headers["Location"]) == (504, f"/jobs/{job}")
    assert (answer.json["HttpStatus"], answer.json["OrthancStatus"]) == (504, 16)
    for worker in stopped:
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker, signal.SIGCONT)
    if signals:
        assert server.reap() == 0
        server.start()
    assert server.post(f"/jobs/{job}/resume", "").status == 200
    ended = [server.wait_for_job(one) for one in (first, job)]
    assert [one["State"] for one in ended] == ["Success", "Success"], ended


def test_many_clients_may_wait_at_once(server: Any, study: list[Path]) -> None:
    source = upload(server, study)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: server.post(f"/studies/{source}/anonymize", "{}"), range(8)))
    assert [answer.status for answer in answers] == [200] * 8
    assert count(answer.json["ID"] for answer in answers) == 8
    assert server.counts() == (9, 9, 18, 54)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_four_clients_wait_for_ten_jobs_each_on_a_study_of_fifty(
    make_server: Callable[..., Any], tmp_path: Path
) -> None:
    fill(tmp_path / "data", 50)
    server = make_server()
    (study,) = server.get("/studies").json
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: server.post(f"/studies/{study}/anonymize", "{}"), range(40)))
    assert [answer.status for answer in answers] == [200] * 40
    assert count(answer.json["ID"] for answer in answers) == 40
    assert server.counts() == (41, 41, 82, 2050)
    assert len(list((server.data / "objects" / "instances").rglob("*.dcm"))) == 2050
