"""References among the objects of studies after splitting, merging and modifying them."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from typing import Any

import pydicom
import pytest
from pydicom.dataset import Dataset

from dicomorph import bootstrap
from dicomorph.jobs.model import Job, JobState
from dicomorph.jobs.moved_sources import moved_sources_key
from dicomorph.jobs.planning import PlannerLimits
from dicomorph.jobs.record import decode, encode
from dicomorph.model.settings import ModifiedReferences, OverwriteInstances
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.finalize_job import finalize_job
from dicomorph.services.work.plan_job import plan_job
from tests.support.api_client import Client, InlineRunner
from tests.support.referring_study import CT, ELSEWHERE, PET, SYNTAXES, Leaf, Study, encoded, leaves

ONE_BY_ONE = PlannerLimits(batch_instances=1, small_job_instances=1)


@pytest.fixture
def server(client: Client, runner: InlineRunner) -> Client:
    """A server that makes each instance a batch of its own."""
    return one_by_one(client, runner)


@pytest.fixture(params=["client", "aws_client"])
def each_server(request: pytest.FixtureRequest, runner: InlineRunner) -> Client:
    """The same of each deployment."""
    client: Client = request.getfixturevalue(request.param)
    return one_by_one(client, runner)


def one_by_one(client: Client, runner: InlineRunner) -> Client:
    runner.backend = client.backend = replace(client.backend, planner_limits=ONE_BY_ONE)
    bootstrap.use_backend(runner.backend)
    return client


def upload(client: Client, study: Study) -> dict[str, dict[str, str]]:
    """Store a study, in all encodings; return the answers by SOPInstanceUID."""
    answers = {}
    for number, data in enumerate([*study.images(), *study.objects().values()]):
        uid = str(data.SOPInstanceUID)
        file = encoded(data, SYNTAXES[number % len(SYNTAXES)], undefined=bool(number % 3))
        answers[uid] = client.post("/instances", file).json
        assert answers[uid]["Status"] == "Success"
    return answers


def stored(client: Client) -> Mapping[str, Dataset]:
    """Return all files by SOPInstanceUID."""
    files = [client.get(f"/instances/{one}/file").body for one in client.get("/instances").json]
    data = [pydicom.dcmread(io.BytesIO(file)) for file in files]
    found = {str(one.SOPInstanceUID): one for one in data}
    assert len(found) == len(files)
    return found


def leads(leaf: Leaf, files: Mapping[str, Dataset]) -> bool:
    """Tell whether an instance is stored, in the study and series that are said of it."""
    found = files.get(leaf.instance)
    return (
        found is not None
        and leaf.study in ("", found.StudyInstanceUID)
        and leaf.series in ("", found.SeriesInstanceUID)
    )


def dangling(files: Mapping[str, Dataset], of: Collection[str] = ()) -> set[str]:
    """Return the instances with a reference that leads nowhere, but for those that never led anywhere."""
    return {
        uid
        for uid, data in files.items()
        if not of or uid in of
        for leaf in leaves(data)
        if f".{ELSEWHERE}.1" not in leaf.instance and not leads(leaf, files)
    }


@pytest.mark.parametrize("moving", [(CT,), (PET, "10", "11", "12"), ("13", "14", "15", "16", "17", "18")])
def test_what_is_split_off_leads_to_what_goes_with_it_and_what_stays(
    server: Client, moving: tuple[str, ...]
) -> None:
    study = Study()
    uploads = upload(server, study)
    assert dangling(stored(server)) == set()
    series = [uploads[study.instance(number)]["ParentSeries"] for number in moving]
    parent = uploads[study.instance(CT)]["ParentStudy"]
    content = server.post(f"/studies/{parent}/split", {"Series": series}).json
    files = stored(server)
    assert len(files) == len(uploads)
    made = {uid for uid, data in files.items() if content["TargetStudyUID"] == data.StudyInstanceUID}
    assert len(made) == content["InstancesCount"]
    assert dangling(files, made) == set()
    left = dangling(files) - made
    assert content.get("DanglingInstancesCount", 0) == len(left)
    assert bool(left) is (moving[0] in (CT, PET) or ("16" in moving and "17" not in moving))


def test_an_instance_that_leaves_its_series_takes_its_references_along(each_server: Client) -> None:
    study = Study()
    uploads = upload(each_server, study)
    moving = [study.instance(CT, 2), *(study.instance(str(number)) for number in range(10, 19))]
    body = {"Instances": [uploads[one]["ID"] for one in moving]}
    content = each_server.post(f"/studies/{uploads[moving[0]]['ParentStudy']}/split", body).json
    files = stored(each_server)
    assert dangling(files) == set()
    assert "DanglingInstancesCount" not in content
    [key_objects] = [data for data in files.values() if "IdenticalDocumentsSequence" in data]
    evidence = key_objects.CurrentRequestedProcedureEvidenceSequence
    assert {str(item.StudyInstanceUID) for item in evidence} == {study.uid, content["TargetStudyUID"]}


def test_studies_that_are_merged_keep_all_references(server: Client) -> None:
    target, one, two = Study(1), Study(2), Study(3, patient="OTHER")
    into = upload(server, target)[target.instance(CT)]["ParentStudy"]
    sources = [upload(server, study)[study.instance(CT)]["ParentStudy"] for study in (one, two)]
    content = server.post(f"/studies/{into}/merge", {"Resources": sources}).json
    files = stored(server)
    assert content["InstancesCount"] == 24
    assert {str(data.StudyInstanceUID) for data in files.values()} == {target.uid}
    assert dangling(files) == set()
    frames = {str(data.FrameOfReferenceUID) for data in files.values()}
    assert frames == {study.frame for study in (target, one, two)}
    elsewhere = [
        leaf for data in files.values() for leaf in leaves(data) if leaf.study not in ("", target.uid)
    ]
    assert all(leaf.instance == f"{leaf.study}.{ELSEWHERE}.1" for leaf in elsewhere)


@pytest.mark.parametrize("keep_source", [False, True])
@pytest.mark.parametrize("level", ["patients", "studies", "bulk"])
def test_what_is_modified_as_a_whole_leads_to_itself(
    server: Client,
    level: str,
    keep_source: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    study = Study()
    uploads = upload(server, study)
    first = uploads[study.instance(CT)]
    body: dict[str, Any] = {"Replace": {"PatientSex": "F"}, "KeepSource": keep_source}
    if level == "bulk":
        body |= {"Resources": [first["ParentStudy"]], "Level": "Study"}
        content = server.post("/tools/bulk-modify", body).json
    else:
        parent = first["ParentPatient" if level == "patients" else "ParentStudy"]
        content = server.post(f"/{level}/{parent}/modify", body).json
    assert "DanglingInstancesCount" not in content
    files = stored(server)
    made = {uid: data for uid, data in files.items() if data.get("PatientSex") == "F"}
    assert len(made) == len(uploads) == len(files) // (1 + keep_source)
    assert dangling(made) == set()  # among themselves: not one leads to a source


def test_series_that_are_modified_are_followed_within_their_study(each_server: Client) -> None:
    study = Study()
    uploads = upload(each_server, study)
    names = [CT, PET, "11", "13", "15"]
    body = {
        "Resources": [uploads[study.instance(number)]["ParentSeries"] for number in names],
        "Level": "Series",
        "KeepSource": False,
    }
    content = each_server.post("/tools/bulk-modify", body).json
    assert len(content["Resources"]) == 6 + 5 + 1 + 1
    files = stored(each_server)
    lost = {study.instance(number) for number in ("10", "12", "14", "16", "17", "18")}
    assert dangling(files) == lost
    assert content["DanglingInstancesCount"] == len(lost)


@pytest.mark.parametrize("way", ["study", "series", "instance", "bulk", "split", "merge"])
def test_other_studies_of_the_patient_that_refer_to_what_left_are_counted(server: Client, way: str) -> None:
    study, other, stranger = Study(1), Study(2), Study(3, patient="OTHER")
    uploads = upload(server, study)
    first = uploads[study.instance(CT)]
    referring = []
    for number, whole in enumerate((False, True)):  # an instance of it, or the study as a whole
        data = other.images()[number]
        del data.ReferencedStudySequence
        data.ReferencedImageSequence = [] if whole else [study.images()[1].ReferencedImageSequence[0]]
        data.RequestAttributesSequence = study.images()[1].RequestAttributesSequence if whole else []
        referring.append(server.post("/instances", encoded(data)).json["ID"])
    into = server.post("/instances", encoded(stranger.images()[0])).json["ParentStudy"]
    requests: dict[str, tuple[str, dict[str, Any], int]] = {
        "study": (f"/studies/{first['ParentStudy']}/modify", {}, 2),
        "series": (f"/series/{first['ParentSeries']}/modify", {}, 1),
        "instance": ("/tools/bulk-modify", {"Resources": [first["ID"]], "Level": "Instance"}, 1),
        "bulk": ("/tools/bulk-modify", {"Resources": [first["ParentStudy"]], "Level": "Study"}, 2),
        "split": (f"/studies/{first['ParentStudy']}/split", {"Series": [first["ParentSeries"]]}, 1),
        "merge": (f"/studies/{into}/merge", {"Resources": [first["ParentStudy"]]}, 2),
    }
    path, body, studies = requests[way]
    content = server.post(path, {**body, "KeepSource": False}).json
    files = stored(server)
    left = [uid for uid in dangling(files) if files[uid].StudyInstanceUID in (study.uid, other.uid)]
    # The references to the study as a whole are none to an instance.
    assert content["DanglingInstancesCount"] == len(left) + studies - 1
    assert (content["InstancesCount"] == len(uploads)) is (studies == 2)
    assert server.get(f"/instances/{referring[0]}").status == 200


def test_what_is_in_the_study_that_others_are_merged_into_is_counted(each_server: Client) -> None:
    target, source = Study(1), Study(2, patient="OTHER")
    moving = each_server.post("/instances", encoded(source.images()[0])).json["ParentStudy"]
    data = target.images()[0]
    data.ReferencedImageSequence = [source.images()[1].ReferencedImageSequence[0]]
    into = each_server.post("/instances", encoded(data)).json["ParentStudy"]
    content = each_server.post(f"/studies/{into}/merge", {"Resources": [moving]}).json
    assert (content["InstancesCount"], content["DanglingInstancesCount"]) == (1, 1)


def test_identifiers_that_are_given_or_kept_are_followed(server: Client) -> None:
    study = Study()
    uploads = upload(server, study)
    body = {
        "Replace": {"StudyInstanceUID": "1.77"},
        "Keep": ["SOPInstanceUID"],
        "Force": True,
        "KeepSource": False,
    }
    parent = uploads[study.instance(CT)]["ParentStudy"]
    assert server.post(f"/studies/{parent}/modify", body).status == 200
    files = stored(server)
    assert files.keys() == uploads.keys()
    assert dangling(files) == set()
    [key_objects] = [data for data in files.values() if "IdenticalDocumentsSequence" in data]
    named = {leaf.study for leaf in leaves(key_objects) if leaf.study}
    assert named == {"1.77", study.uid}  # the latter for what is stored nowhere


def test_copies_lead_to_copies(server: Client) -> None:
    study = Study()
    uploads = upload(server, study)
    both = [uploads[study.instance(number)]["ID"] for number in (CT, PET, "17")]
    body = {"Instances": [*both, *both, uploads[study.instance(CT, 2)]["ID"]], "KeepSource": True}
    parent = uploads[study.instance(CT)]["ParentStudy"]
    content = server.post(f"/studies/{parent}/split", body).json
    files = {uid: data for uid, data in stored(server).items() if uid not in uploads}
    doses = [data for data in files.values() if "ReferencedRTPlanSequence" in data]
    assert (content["InstancesCount"], len(files), len(doses)) == (7, 7, 2)
    named = [str(dose.SourceImageSequence[0].ReferencedSOPInstanceUID) for dose in doses]
    assert len(set(named)) == 2
    assert set(named) <= files.keys()


@pytest.mark.parametrize("kind", ["split", "merge", "modify"])
def test_references_stay_where_the_setting_says_so(
    make_client: Callable[..., Client], runner: InlineRunner, kind: str
) -> None:
    client = one_by_one(make_client(modified_references=ModifiedReferences.KEEP), runner)
    study, other = Study(), Study(2)
    uploads = upload(client, study)
    before = {uid: sorted(leaves(data)) for uid, data in stored(client).items()}
    parent = uploads[study.instance(CT)]["ParentStudy"]
    if kind == "split":
        series = [answer["ParentSeries"] for answer in uploads.values()]
        content = client.post(f"/studies/{parent}/split", {"Series": sorted(set(series))}).json
    elif kind == "merge":
        target = client.post("/instances", encoded(other.images()[0])).json["ParentStudy"]
        content = client.post(f"/studies/{target}/merge", {"Resources": [parent]}).json
    else:
        content = client.post(f"/studies/{parent}/modify", {"KeepSource": False}).json
    assert "DanglingInstancesCount" not in content
    after = [sorted(leaves(data)) for data in stored(client).values() if data.PatientID == "PAT"]
    assert sorted(after)[-len(before) :] == sorted(before.values())[-len(after) :]
    [job] = client.backend.jobs.all()
    assert not list(client.backend.objects.keys(f"jobs/{job.id}/batches/{job.plan}/moved"))


def test_a_job_keeps_to_the_setting_with_which_it_was_submitted(
    make_client: Callable[..., Client], runner: InlineRunner
) -> None:
    client = one_by_one(make_client(), runner)
    study = Study()
    parent = upload(client, study)[study.instance(CT)]["ParentStudy"]
    runner.is_holding = True
    client.post(f"/studies/{parent}/modify", {"KeepSource": False, "Asynchronous": True})
    [job] = client.backend.jobs.all()
    settings = replace(client.backend.settings, modified_references=ModifiedReferences.KEEP)
    runner.backend = replace(client.backend, settings=settings)
    runner.is_holding = False
    runner.start(job)
    assert dangling(stored(client)) == set()


def test_what_is_edited_in_place_needs_no_list_of_instances(
    make_client: Callable[..., Client], runner: InlineRunner
) -> None:
    client = one_by_one(make_client(overwrite_instances=OverwriteInstances.ALWAYS), runner)
    study = Study()
    parent = upload(client, study)[study.instance(CT)]["ParentStudy"]
    keep = ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"]
    before = stored(client)
    client.post(f"/studies/{parent}/modify", {"Keep": keep, "Force": True, "Replace": {"PatientSex": "F"}})
    after = stored(client)
    assert {uid: sorted(leaves(data)) for uid, data in after.items()} == {
        uid: sorted(leaves(data)) for uid, data in before.items()
    }
    assert all(data.PatientSex == "F" for data in after.values())


def held_back(client: Client, runner: InlineRunner, **body: Any) -> tuple[dict[str, dict[str, str]], Job]:
    """Ask for a modification that does not begin; return what was stored, and the job."""
    study = Study()
    uploads = upload(client, study)
    runner.is_holding = True
    parent = uploads[study.instance(CT)]["ParentStudy"]
    client.post(f"/studies/{parent}/modify", {"KeepSource": False, "Asynchronous": True, **body})
    runner.is_holding = False
    [job] = client.backend.jobs.all()
    return uploads, job


def list_of_instances(client: Client) -> str:
    [job] = client.backend.jobs.all()
    return moved_sources_key(job)


def test_a_plan_whose_list_of_instances_is_gone_is_made_anew(server: Client, runner: InlineRunner) -> None:
    _, job = held_back(server, runner)
    plan_job(server.backend, job.id)
    server.backend.objects.put(list_of_instances(server), b"")
    runner.start(job)
    [done] = server.backend.jobs.all()
    assert done.state is JobState.SUCCESS
    assert dangling(stored(server)) == set()


def test_without_the_list_of_instances_no_reference_is_guessed_and_nothing_is_lost(
    server: Client, runner: InlineRunner
) -> None:
    uploads, job = held_back(server, runner)
    batches = plan_job(server.backend, job.id)
    server.backend.objects.put(list_of_instances(server), b"{}")
    for number in range(batches):
        edit_batch(server.backend, job.id, number)
    finalize_job(server.backend, job.id)
    [done] = server.backend.jobs.all()
    assert (done.state, done.error_code) == (JobState.FAILURE, -1)
    assert uploads.keys() <= stored(server).keys()


def test_a_job_of_an_earlier_version_leaves_references_alone(server: Client, runner: InlineRunner) -> None:
    _, job = held_back(server, runner)
    before = sorted(sorted(leaves(data)) for data in stored(server).values())
    record = encode(job)
    del record["follows_references"]
    server.backend.jobs.update(decode(record))
    runner.start(job)
    after = stored(server).values()
    assert sorted(sorted(leaves(data)) for data in after) == before
    assert {data.StudyInstanceUID for data in after}.isdisjoint({Study().uid})
