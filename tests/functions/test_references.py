"""References among the objects of a study lead to products after anonymizing, and nowhere else."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import pydicom
import pytest
from pydicom.dataset import Dataset

from dicomorph import bootstrap
from dicomorph.jobs.planning import PlannerLimits
from tests.support import related_study as study
from tests.support.api_client import Client, InlineRunner
from tests.support.edits import anonymized

EDITIONS = ["2008", "2017c", "2021b", "2023b"]
ONE_BY_ONE = PlannerLimits(batch_instances=1, small_job_instances=1)
FILES = study.related_study()


def read(content: bytes) -> Dataset:
    return pydicom.dcmread(io.BytesIO(content))


def check(pairs: list[tuple[bytes, bytes]], identifiers: int) -> None:
    """Check that products refer to products, consistently, and know nothing of sources."""
    files = [(read(source), read(product)) for source, product in pairs]
    assert study.dangling(product for _, product in files) == []
    assert not any(study.ROOT.encode() in product for _, product in pairs)
    found = study.mapping(files)
    assert len(found) == identifiers
    assert {len(new) for new in found.values()} == {1}, "the same original became different ones"
    assert len(set().union(*found.values())) == identifiers, "different originals became the same"


def test_the_sources_refer_to_one_another() -> None:
    sources = [read(content) for content in FILES]
    assert study.dangling(sources) == []
    depths = {(one.role, len(one.path) > 1) for source in sources for one in study.identifiers(source)}
    assert depths == {
        (role, nested) for role in ("study", "series", "instance", "frame") for nested in (0, 1)
    }


# One study, six series, seven instances and a frame of reference.
ALL = 15


@pytest.mark.parametrize("edition", EDITIONS)
def test_files_that_are_edited_one_by_one_refer_to_one_another(edition: str) -> None:
    check([(content, anonymized(content, DicomVersion=edition)) for content in FILES], ALL)


@pytest.fixture
def client(make_client: Callable[..., Client], runner: InlineRunner) -> Client:
    """A server that holds the study and makes each instance a batch of its own."""
    client = make_client()
    for content in FILES:
        assert client.post("/instances", content).status == 200
    runner.backend = replace(client.backend, planner_limits=ONE_BY_ONE)
    bootstrap.use_backend(runner.backend)
    return client


def pairs(client: Client, products: list[str]) -> list[tuple[bytes, bytes]]:
    """Return each product with its source."""
    found = []
    for product in products:
        source = client.get(f"/instances/{product}/metadata/AnonymizedFrom").body.decode()
        found.append(tuple(client.get(f"/instances/{one}/file").body for one in (source, product)))
    return [(source, product) for source, product in found]


@pytest.mark.parametrize("edition", EDITIONS)
def test_the_batches_of_a_job_agree(client: Client, edition: str) -> None:
    (source,) = client.get("/studies").json
    content = client.post(f"/studies/{source}/anonymize", {"DicomVersion": edition}).json
    assert content["InstancesCount"] == len(FILES)
    (job,) = client.backend.jobs.all()
    assert job.batches == len(FILES)
    made = [one["ID"] for one in client.get(f"{content['Path']}/instances").json]
    check(pairs(client, made), ALL)


def test_series_of_one_bulk_job_agree(client: Client) -> None:
    """Both CT series and the structure set, as three resources: a study, three series, four instances."""
    wanted = {study.CT_SERIES, study.SECOND_CT_SERIES, f"{study.STUDY}.3"}
    series = [
        one["ID"]
        for one in client.get("/series", query={"expand": ""}).json
        if one["MainDicomTags"]["SeriesInstanceUID"] in wanted
    ]
    content = client.post("/tools/bulk-anonymize", {"Resources": series}).json
    made = [one["ID"] for one in content["Resources"] if one["Type"] == "Instance"]
    check(pairs(client, made), 9)


def test_two_jobs_know_nothing_of_each_other(client: Client) -> None:
    """What refers across them leads nowhere: it is the same job that makes references agree."""
    for one in client.get("/series").json:
        client.post(f"/series/{one}/anonymize", {})
    found = pairs(client, [
        one for one in client.get("/instances").json
        if client.get(f"/instances/{one}/metadata/AnonymizedFrom").status == 200
    ])  # fmt: skip
    assert len(found) == len(FILES)
    assert not any(study.ROOT.encode() in product for _, product in found)
    assert study.dangling(read(product) for _, product in found)
