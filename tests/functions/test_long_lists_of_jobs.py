"""What a job lists is shown whole, however much it is, and a piece of it is in memory."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from dicomorph.http.responses import to_json
from dicomorph.jobs import listings
from dicomorph.jobs.contents import modification_content
from dicomorph.jobs.model import Job, JobState
from dicomorph.model.resources import Json
from dicomorph.services import deadline
from dicomorph.services.jobs import listings as services_listings
from dicomorph.services.jobs.listings import write_listing
from tests.support.api_client import Client
from tests.support.jobs import JOB

SOURCE = "-".join(["00000000"] * 5)
_PEAK = 40_000_000  # bytes of Python's memory, for a list of any length


def products(count: int) -> Iterator[Json]:
    for number in range(count):
        name = f"{SOURCE[:36]}{number:08x}"
        yield {"ID": name, "Path": f"/instances/{name}", "Type": "Instance"}


def ended_job(client: Client, count: int) -> Job:
    """Return the record of a bulk job with so many products."""
    content = modification_content({}, is_anonymization=True)
    job = replace(JOB, id=f"{JOB.id[:-1]}{count % 10}", content=content, is_bulk=True)
    job = replace(job, state=JobState.SUCCESS, listing=1)
    client.backend.jobs.create(job)
    write_listing(client.backend, job, {"ParentResources": [SOURCE], "Resources": products(count)})
    return job


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services_listings, "PIECE_ENTRIES", 3)


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize("deployment", ["client", "aws_client"])
def test_a_list_in_pieces_is_shown_as_one(request: pytest.FixtureRequest, deployment: str) -> None:
    client: Client = request.getfixturevalue(deployment)
    shown = []
    for count in (0, 1, 3, 4, 7, 9):
        job = ended_job(client, count)
        answer = client.get(f"/jobs/{job.id}")
        shown.append(answer.json["Content"])
        assert shown[-1]["Resources"] == list(products(count))
        assert shown[-1]["ParentResources"] == [SOURCE]
        assert answer.body.decode() == to_json(answer.json)
    every = client.get("/jobs", query={"expand": ""})
    assert [one["Content"] for one in every.json] == shown
    assert every.body.decode() == to_json(every.json)
    for job_id in client.get("/jobs").json:
        assert client.delete(f"/jobs/{job_id}").status == 200
    assert list(client.backend.objects.keys("jobs/")) == []


@pytest.mark.usefixtures("small_pieces")
def test_a_piece_that_a_power_cut_has_taken_is_left_out(client: Client) -> None:
    job = ended_job(client, 9)
    client.backend.objects.put(listings.piece_key(job, "Resources", 1), b"[{")
    shown = client.get(f"/jobs/{job.id}").json["Content"]["Resources"]
    assert shown == [one for number, one in enumerate(products(9)) if number not in (3, 4, 5)]


def test_a_job_that_takes_too_long_to_show_answers_504(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = ended_job(client, 20_000)
    monkeypatch.setattr(deadline, "_STEP", 2e9)
    answer = client.get(f"/jobs/{job.id}")
    assert (answer.error, answer.headers["location"]) == ((504, 16), f"/jobs/{job.id}")
    assert client.get("/jobs").json == [job.id]


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_a_million_products_are_shown_in_the_memory_of_a_piece(client: Client) -> None:
    job = ended_job(client, 1_000_000)
    tracemalloc.start()
    answer = client.get(f"/jobs/{job.id}")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer.status == 303
    text = Path(unquote(urlsplit(answer.headers["location"]).path))
    assert text.read_bytes().count(b'"ID": "') == 1_000_001
    assert peak < _PEAK
