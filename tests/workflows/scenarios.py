"""Jobs of every kind, and what must be true afterwards, whatever went wrong amid them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from dicomorph.dicom.standard.transfer_syntaxes import EXPLICIT_VR_LITTLE_ENDIAN as EXPLICIT
from dicomorph.dicom.standard.transfer_syntaxes import RLE_LOSSLESS
from dicomorph.jobs.model import Job, JobState
from dicomorph.model.resources import Level
from dicomorph.model.settings import OverwriteInstances
from dicomorph.services.submit.merge import submit_merge
from dicomorph.services.submit.modification import submit_bulk_modification
from dicomorph.services.submit.split import submit_split
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import finalize_job
from dicomorph.services.work.plan_job import plan_job
from tests.contract.indexes import assert_hierarchy_is_true
from tests.support.images import GREY
from tests.support.jobs import IN_PLACE
from tests.workflows.embedded import CALLER, Server

Uploads = list[dict[str, Any]]


@dataclass(frozen=True)
class Scenario:
    """A kind of job on two series of a study (two instances, and one), and an instance of another study.

    Parameters
    ----------
    submit : Callable[[Server, Uploads], Job]
        Asks for it.
    products : int
        How many it makes.
    sources : int
        How many of the four uploads are still there in the end, as they were.
    transfer_syntax : str
        That all products have; those of the sources by default.
    """

    submit: Callable[[Server, Uploads], Job]
    products: int
    sources: int
    overwrite: OverwriteInstances = OverwriteInstances.NEVER
    transfer_syntax: str = EXPLICIT


def _study(**body: Any) -> Callable[[Server, Uploads], Job]:
    return lambda server, stored: server.submit(stored[0]["ParentStudy"], body=body)


def _anonymize(server: Server, stored: Uploads) -> Job:
    return server.submit(stored[0]["ParentStudy"], anonymize=True)


def _bulk(server: Server, stored: Uploads) -> Job:
    body: dict[str, Any] = {"Resources": [stored[0]["ParentSeries"], stored[3]["ID"]], "KeepSource": False}
    return submit_bulk_modification(server.backend, body, is_anonymization=True, caller=CALLER)


def _split(server: Server, stored: Uploads) -> Job:
    body: dict[str, Any] = {"Series": [stored[0]["ParentSeries"]]}
    return submit_split(server.backend, body, study_id=stored[0]["ParentStudy"], caller=CALLER)


def _split_twice(server: Server, stored: Uploads) -> Job:
    body: dict[str, Any] = {
        "Instances": [stored[0]["ID"], stored[1]["ID"], stored[0]["ID"]],
        "KeepSource": True,
    }
    return submit_split(server.backend, body, study_id=stored[0]["ParentStudy"], caller=CALLER)


def _merge(server: Server, stored: Uploads) -> Job:
    body: dict[str, Any] = {"Resources": [stored[0]["ParentStudy"]]}
    return submit_merge(server.backend, body, study_id=stored[3]["ParentStudy"], caller=CALLER)


SCENARIOS = {
    "keeping": Scenario(_anonymize, products=3, sources=4),
    "replacing": Scenario(_study(KeepSource=False), products=3, sources=1),
    "in-place": Scenario(
        _study(**IN_PLACE, Replace={"StudyDescription": "New"}),
        products=3,
        sources=1,
        overwrite=OverwriteInstances.ALWAYS,
    ),
    "bulk": Scenario(_bulk, products=3, sources=1),
    "split": Scenario(_split, products=2, sources=2),
    "split-twice": Scenario(_split_twice, products=3, sources=4),
    "merge": Scenario(_merge, products=3, sources=1),
    "transcoding": Scenario(
        _study(KeepSource=False, Transcode=RLE_LOSSLESS), products=3, sources=1, transfer_syntax=RLE_LOSSLESS
    ),
}


def upload(server: Server, patient: str = "PAT") -> Uploads:
    """Store what the scenarios work on."""
    return [
        server.upload(number, study=study, series=series, patient=patient, **GREY)
        for study, series, number in ((1, 1, 1), (1, 1, 2), (1, 2, 1), (2, 1, 1))
    ]


def work(server: Server, job: Job) -> None:
    """Run the steps as a workflow does that begins again."""
    for number in range(plan_job(server.backend, job.id)):
        edit_batch(server.backend, job.id, number)
    finalize_job(server.backend, job.id)


def assert_settled(server: Server, job: Job, scenario: Scenario, stored: Mapping[str, str]) -> None:
    """Check that a job succeeded, that every product is there once, and every source that stays.

    Parameters
    ----------
    stored : Mapping[str, str]
        The keys of the objects of the uploads, by instance.
    """
    done = server.job(job.id)
    assert (done.state, done.error_code) == (JobState.SUCCESS, 0), done
    assert (done.content["InstancesCount"], done.content["FailedInstancesCount"]) == (scenario.products, 0)
    pins = server.pins()
    assert len(pins) == scenario.products + scenario.sources
    keys = {pin.object.key for pin in pins}
    assert len(keys & set(stored.values())) == scenario.sources
    assert len(server.backend.index.catalogue.ids(Level.INSTANCE)) == len(pins)
    for pin in pins:
        is_product = pin.object.key not in stored.values()
        found = server.read(pin).file_meta.TransferSyntaxUID
        assert found == (scenario.transfer_syntax if is_product else EXPLICIT)
    # A crash may leave a file that nothing refers to, never the reverse.
    assert keys <= set(server.files())
    assert_hierarchy_is_true(server.backend.index)


def keys_of(server: Server) -> dict[str, str]:
    """Return where each instance is stored."""
    return {pin.ancestry.instance: pin.object.key for pin in server.pins()}
