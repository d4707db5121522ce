"""What jobs say of their sources and results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dicomorph.jobs.contents import (
    NamedResource,
    final_content,
    merge_content,
    modification_content,
    product_listing,
    source_listing,
    split_content,
    unfinished_content,
    with_listing,
)
from dicomorph.jobs.model import BatchOutcome, InstanceOutcome, JobType
from dicomorph.jobs.summary import Summary, summarize
from dicomorph.model.resources import Ancestry, Level, ObjectRef, Pin
from tests.support.jobs import JOB as A_JOB

JOB = replace(
    A_JOB,
    is_anonymization=False,
    level=Level.SERIES,
    content=modification_content(source_listing([NamedResource(Level.STUDY, "a")]), is_anonymization=False),
)


FAILED = {"ID": "1", "ErrorCode": 17, "Details": "Unknown resource"}


def pin(name: str, series: str = "e", study: str = "s") -> Pin:
    return Pin(Ancestry("p", study, series, name), ObjectRef(f"key/{name}", "", 1))


def done(source: str, product: Pin) -> InstanceOutcome:
    return InstanceOutcome(pin(source), product)


def failed(source: str) -> InstanceOutcome:
    return InstanceOutcome(pin(source), None, 17)


def summary(outcomes: Sequence[InstanceOutcome]) -> Summary:
    return summarize([BatchOutcome(0, tuple(outcomes))])


def test_the_initial_content_names_the_sources_only() -> None:
    assert JOB.content == {
        "Description": "REST API",
        "FailedInstancesCount": 0,
        "InstancesCount": 0,
        "IsAnonymization": False,
        "ParentResources": ["a"],
        "Resources": [{"ID": "a", "Type": "Study"}],
    }
    assert source_listing([]) == {}


def test_the_first_product_names_the_result_at_the_level_of_the_route() -> None:
    outcomes = [failed("1"), done("2", pin("x", "f")), done("3", pin("y", "g"))]
    assert final_content(JOB, summary(outcomes)) == {
        **JOB.content,
        "InstancesCount": 3,
        "FailedInstancesCount": 1,
        "FailedInstances": [FAILED],
        "ID": "f",
        "Path": "/series/f",
        "PatientID": "p",
        "Type": "Series",
    }


def test_without_a_product_there_is_no_result() -> None:
    content = final_content(replace(JOB, content={}), summary([failed("1")]))
    assert content == {"InstancesCount": 1, "FailedInstancesCount": 1, "FailedInstances": [FAILED]}


def test_failed_instances_are_told_with_their_reasons() -> None:
    outcomes = [replace(failed("2"), details="(0010,0010) is odd"), failed("1"), done("3", pin("x"))]
    content = final_content(JOB, summary(outcomes))
    assert content["FailedInstances"] == [
        FAILED,
        {"ID": "2", "ErrorCode": 17, "Details": "(0010,0010) is odd"},
    ]
    assert "FailedInstances" not in unfinished_content(replace(JOB, content=content))


def test_of_very_many_failed_instances_the_first_hundred_are_told() -> None:
    outcomes = [failed(f"{number:03}") for number in reversed(range(250))]
    content = final_content(JOB, summary(outcomes))
    told = content["FailedInstances"]
    assert isinstance(told, list)
    assert content["FailedInstancesCount"] == 250
    assert [one["ID"] for one in told if isinstance(one, dict)] == [f"{number:03}" for number in range(100)]


def test_what_could_not_be_converted_is_told_of_products_by_their_ids_and_counted() -> None:
    left = [replace(done(str(n), pin(f"{999 - n}")), untranscoded="Why") for n in range(102)]
    content = final_content(JOB, summary([done("x", pin("y")), *left]))
    assert content["UntranscodedInstancesCount"] == 102
    told = content["UntranscodedInstances"]
    assert told == [{"ID": str(n), "Details": "Why"} for n in range(898, 998)]
    plain = final_content(JOB, summary([done("x", pin("y"))]))
    assert content.keys() - plain.keys() == {"UntranscodedInstances", "UntranscodedInstancesCount"}
    assert unfinished_content(replace(JOB, content=content)).keys() == JOB.content.keys()


def test_products_that_were_left_are_a_body_to_delete_them() -> None:
    content = with_listing({"InstancesCount": 3}, {"Products": ["x", "y"], "Resources": []})
    assert content == {
        "InstancesCount": 3,
        "Products": {"Count": 2, "Resources": ["x", "y"]},
        "Resources": [],
    }
    assert with_listing({"InstancesCount": 3}, {"Products": []}) == {"InstancesCount": 3}


def test_a_bulk_job_names_no_result() -> None:
    content = final_content(replace(JOB, is_bulk=True, content={}), summary([done("1", pin("x"))]))
    assert content == {"InstancesCount": 1, "FailedInstancesCount": 0}


def test_products_are_listed_by_level_and_id_once_each() -> None:
    outcomes = [
        done("1", pin("y", "f")),
        failed("2"),
        done("3", pin("x", "f", "t")),
        done("4", pin("x", "f", "t")),
    ]
    assert list(product_listing(replace(JOB, is_bulk=True), outcomes)["Resources"]) == [
        {"ID": "x", "Path": "/instances/x", "Type": "Instance"},
        {"ID": "y", "Path": "/instances/y", "Type": "Instance"},
        {"ID": "f", "Path": "/series/f", "Type": "Series"},
        {"ID": "s", "Path": "/studies/s", "Type": "Study"},
        {"ID": "t", "Path": "/studies/t", "Type": "Study"},
        {"ID": "p", "Path": "/patients/p", "Type": "Patient"},
    ]
    assert list(product_listing(replace(JOB, is_bulk=True), [failed("1")])["Resources"]) == []
    assert product_listing(JOB, outcomes) == {}


def test_a_split_names_its_study_once_there_is_one() -> None:
    job = replace(JOB, type=JobType.SPLIT_STUDY, content=split_content("2.25.1"))
    counts = {"Description": "REST API", "TargetStudyUID": "2.25.1", "InstancesCount": 1}
    assert final_content(job, summary([failed("1")])) == {
        **counts,
        "FailedInstancesCount": 1,
        "FailedInstances": [FAILED],
    }
    assert final_content(job, summary([done("1", pin("x"))])) == {
        **counts,
        "FailedInstancesCount": 0,
        "TargetStudy": "s",
    }


def test_a_merge_names_its_study_from_the_beginning() -> None:
    job = replace(JOB, type=JobType.MERGE_STUDY, content=merge_content("s"))
    assert job.content["TargetStudy"] == "s"
    assert final_content(job, summary([])) == {**job.content, "InstancesCount": 0}
