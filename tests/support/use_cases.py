"""What clients do with the API, in every way that leads to other calls of AWS."""

from __future__ import annotations

import gzip
import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from dicomorph.aws.objects.parts import PART_BYTES
from dicomorph.dicom.standard.transfer_syntaxes import IMPLICIT_VR_LITTLE_ENDIAN
from dicomorph.model.settings import OverwriteInstances, Settings
from dicomorph.services.erasure import records
from dicomorph.services.store.store_instance import store_instance
from local.functions import Context
from tests.support.api_client import make_dicom
from tests.support.recorded_stack import RecordedStack
from tests.workflows import stack

LEVELS = {"patients": "ParentPatient", "studies": "ParentStudy", "series": "ParentSeries", "instances": "ID"}
_OVERWRITING = Settings(overwrite_instances=OverwriteInstances.ALWAYS)
_patients = (f"P{number}" for number in itertools.count())


def patient() -> str:
    """Return a PatientID that nobody had before."""
    return next(_patients)


def pixels(size: int) -> dict[str, Any]:
    """Return the attributes of a file of a little more than a size in bytes."""
    return {"PixelData": bytes(size), "BitsAllocated": 8}


def upload_series(cloud: RecordedStack, instances: int) -> dict[str, Any]:
    """Store a series of a new patient; return the answer to its last instance."""
    name = patient()
    return [cloud.upload(name, 1, 1, number + 1) for number in range(instances)][-1]


def paths(stored: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each level with the path of the resource that an upload answered."""
    for level, key in LEVELS.items():
        yield level, f"/{level}/{stored[key]}"


def store(cloud: RecordedStack) -> None:
    """New at each level, known already, not DICOM, overwritten."""
    name = patient()
    for numbers in ((1, 1, 1), (1, 1, 2), (1, 2, 1), (2, 1, 1)):
        assert cloud.upload(name, *numbers)["Status"] == "Success"
    assert cloud.upload(name)["Status"] == "AlreadyStored"
    assert cloud.post("/instances", b"nothing").status == 400
    with cloud.changed(settings=_OVERWRITING):
        assert cloud.upload(name, PatientBirthDate="19700101")["Status"] == "Success"


def store_large(cloud: RecordedStack) -> None:
    """The largest body there is: sent deflated, and more than one part inflated."""
    headers = {"Content-Encoding": "gzip"}
    body = gzip.compress(make_dicom(patient(), **pixels(PART_BYTES)), 1)
    assert cloud.post("/instances", body, headers=headers).status == 200
    with cloud.changed(settings=Settings(ingest_transcoding=IMPLICIT_VR_LITTLE_ENDIAN)):
        body = gzip.compress(make_dicom(patient(), **pixels(PART_BYTES)), 1)
        with cloud.broken("UploadPart"):
            assert cloud.post("/instances", body, headers=headers).status >= 500
        assert cloud.post("/instances", body, headers=headers).json["Status"] == "Success"
        assert cloud.upload(patient())["Status"] == "Success"


def browse(cloud: RecordedStack) -> None:
    """Every resource with its relatives, and what is not there."""
    stored = cloud.upload(patient(), ImagesInAcquisition="1", NumberOfTemporalPositions="1")
    for level, path in paths(stored):
        for query in ({"expand": ""}, {"since": "0", "limit": "1"}):
            assert cloud.get(f"/{level}", query=query).status == 200
        assert cloud.get(path).json["ID"] == stored[LEVELS[level]]
        assert cloud.get(f"/{level}/nope").status == 404
        for part in ("labels", "metadata"):
            assert cloud.get(f"{path}/{part}").status == 200
        assert cloud.get(f"{path}/labels/none").status == 404
        assert cloud.get(f"{path}/metadata/1024").status == 404
    relatives = {
        "patients": ("studies", "series", "instances"),
        "studies": ("patient", "series", "instances"),
        "series": ("patient", "study", "instances"),
        "instances": ("patient", "study", "series"),
    }
    for level, path in paths(stored):
        for relative in relatives[level]:
            assert cloud.get(f"{path}/{relative}").status == 200


def read(cloud: RecordedStack) -> None:
    """Files that fit into an answer, that do not, and that are gone behind the index's back."""
    small, large = cloud.upload(patient()), cloud.upload(patient(), **pixels(cloud.backend.largest_answer))
    assert cloud.get(f"{small['Path']}/file").status == 200
    assert cloud.get(f"{large['Path']}/file").status == 303
    for form in ("tags", "simplified-tags"):
        assert cloud.get(f"{small['Path']}/{form}").status == 200
        assert cloud.get(f"{large['Path']}/{form}", query={"whole": ""}).status == 200
    largest = cloud.upload(patient(), **pixels(PART_BYTES))
    query = {"transcode": IMPLICIT_VR_LITTLE_ENDIAN}
    assert cloud.get(f"{small['Path']}/file", query=query).status == 200
    assert cloud.get(f"{largest['Path']}/file", query=query).status == 303
    with cloud.broken("UploadPart"):
        assert cloud.get(f"{largest['Path']}/file", query=query).status >= 500
    cloud.lose("instances/")
    for path in (small["Path"], large["Path"]):
        assert cloud.get(f"{path}/file").status == 500


def annotate(cloud: RecordedStack) -> None:
    """Metadata and labels: written, written again, refused, removed, absent."""
    for level, path in paths(cloud.upload(patient())):
        assert cloud.put(f"{path}/metadata/1024", "a").status == 200
        assert cloud.put(f"{path}/metadata/1024", "b").status == 200
        assert cloud.get(f"{path}/metadata/1024").body == b"b"
        assert cloud.delete(f"{path}/metadata/1024").status == 200
        assert cloud.delete(f"{path}/metadata/1024").status == 404
        assert cloud.put(f"{path}/metadata/LastUpdate", "a").status == 403
        assert cloud.put(f"/{level}/nope/metadata/1024", "a").status == 404
        assert cloud.put(f"{path}/labels/a").status == 200
        assert cloud.get(f"{path}/labels/a").status == 200
        assert cloud.delete(f"{path}/labels/a").status == 200
        assert cloud.put(f"/{level}/nope/labels/a").status == 404


def delete(cloud: RecordedStack) -> None:
    """A resource of each level, with an ancestor that remains and without."""
    neighbours = {"patients": None, "studies": (2, 1, 1), "series": (1, 2, 1), "instances": (1, 1, 2)}
    for level, key in LEVELS.items():
        for neighbour in {None, neighbours[level]}:
            name = patient()
            stored = cloud.upload(name)
            if neighbour:
                cloud.upload(name, *neighbour)
            assert cloud.delete(f"/{level}/{stored[key]}").status == 200
        assert cloud.delete(f"/{level}/nope").status == 404


def delete_among_others(cloud: RecordedStack) -> None:
    """While an instance is overwritten, and where an upload did not come to its end."""
    name = patient()
    files = [make_dicom(name, 1, 1, number) for number in (1, 2, 3)]
    stored = [cloud.post("/instances", file).json for file in files]

    def overwrite() -> None:
        for file in files:
            store_instance(replace(cloud.backend, settings=_OVERWRITING), file, remote_ip="")

    with cloud.meanwhile("TransactWriteItems", overwrite):
        assert cloud.delete(f"/series/{stored[0]['ParentSeries']}").status == 200
    assert cloud.delete(f"/series/{stored[0]['ParentSeries']}").status == 200
    path = cloud.post("/instances", files[0]).json["Path"]
    with cloud.broken("UpdateItem"):
        assert cloud.post("/instances", files[1]).status >= 500
    assert cloud.delete(path).json == {"RemainingAncestor": None}


def delete_at_last(cloud: RecordedStack) -> None:
    """What a call that was cut short has left: its repetition finishes it, or the schedule does."""
    finish: tuple[Callable[[str], object], ...] = (cloud.delete, lambda _: run_schedule(cloud))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "_PINS", 1)
        for way, operation in itertools.product(
            finish, ("DeleteObjects", "TransactWriteItems", "UpdateItem")
        ):
            name = patient()
            stored = [cloud.upload(name, 1, 1, number) for number in (1, 2)]
            cloud.upload(name, 2, 1, 1)
            with cloud.broken(operation):
                assert cloud.delete(f"/studies/{stored[0]['ParentStudy']}").status >= 500
            way(f"/studies/{stored[0]['ParentStudy']}")
            assert cloud.get(f"/patients/{stored[0]['ParentPatient']}/series").status == 200
    assert [*cloud.backend.objects.keys("erasures/")] == []
    _meet_others(cloud)


def _meet_others(cloud: RecordedStack) -> None:
    """The schedule, while an instance is overwritten, and while somebody else finishes what it is at."""
    file = make_dicom(patient())
    stored = cloud.post("/instances", file).json

    def overwrite() -> None:
        store_instance(replace(cloud.backend, settings=_OVERWRITING), file, remote_ip="")

    for event in (
        cloud.meanwhile("TransactWriteItems", overwrite),
        cloud.meanwhile("GetObject", lambda: cloud.lose("erasures/")),
    ):
        with cloud.broken("TransactWriteItems"):
            assert cloud.delete(stored["Path"]).status >= 500
        with event:
            run_schedule(cloud)
        assert cloud.get(stored["Path"]).status == 200


def run_schedule(cloud: RecordedStack) -> None:
    """Let the function run that finishes deletions, some minutes later."""
    with cloud.changed(now=lambda: datetime.now(UTC) + timedelta(minutes=2)):
        cloud.module("erase").lambda_handler({}, Context())


def edit_instance(cloud: RecordedStack) -> None:
    """Copies that fit into an answer, that take a link, that take several parts, and that fail."""
    sizes = (0, cloud.backend.largest_answer, 2 * PART_BYTES)
    small, large, largest = (cloud.upload(patient(), **pixels(size))["Path"] for size in sizes)
    routes = ("anonymize", "modify")
    for route in routes:
        assert cloud.post(f"{small}/{route}", {}).status == 200
        assert cloud.post(f"{large}/{route}", {}).status == 303
        assert cloud.post(f"{largest}/{route}", {}).status == 303
        converting = {"Transcode": IMPLICIT_VR_LITTLE_ENDIAN}
        assert cloud.post(f"{largest}/{route}", converting).status == 303
        for operation in ("UploadPart", "UploadPartCopy"):
            with cloud.broken(operation):
                assert cloud.post(f"{largest}/{route}", {}).status >= 500
        assert cloud.post(f"/instances/nope/{route}", {}).status == 404
    cloud.lose("instances/")
    for route in routes:
        assert cloud.post(f"{small}/{route}", {}).status == 500


LISTS = "settings/allow-lists"
ALLOWING = Settings(allow_lists=LISTS)


def choose(cloud: RecordedStack) -> None:
    """Name a list of the operator's, and one that is not there."""
    list_of_rows = b'{"Tags": ["Rows"]}'
    boto3.client("s3").put_object(Bucket=stack.BUCKET, Key=f"{LISTS}/rows.json", Body=list_of_rows)
    stored = cloud.upload(patient())
    with cloud.changed(settings=ALLOWING):
        for path in (stored["Path"], f"/series/{stored['ParentSeries']}"):
            for name, status in (("rows", 200), ("none", 400)):
                body = {"DicomVersion": "2026d", "Profile": {"AllowList": name}}
                assert cloud.post(f"{path}/anonymize", body).status == status


def administer(cloud: RecordedStack) -> None:
    """The server's description, its statistics and its default encoding; paths that nobody serves."""
    assert cloud.get("/system").status == 200
    assert cloud.get("/statistics").status == 200
    assert cloud.put("/tools/default-encoding", "Utf8").body == b"Utf8"
    assert cloud.get("/tools/default-encoding").body == b"Utf8"
    assert cloud.get("/nowhere").status == 404
    assert cloud.call("PATCH", "/studies").status == 405


USE_CASES = (
    store,
    store_large,
    browse,
    read,
    annotate,
    delete,
    delete_among_others,
    delete_at_last,
    edit_instance,
    choose,
    administer,
)
