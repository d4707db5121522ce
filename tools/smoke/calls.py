"""Every kind of call, on any server."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

from dicomorph.http.routes import ROUTES
from tools.smoke.client import Answer
from tools.smoke.steps import LeftOutError, Run, expect, step

_LEVELS = {"patients": "ParentPatient", "studies": "ParentStudy", "series": "ParentSeries", "instances": "ID"}
_PARENTS = {
    "studies": ("patient",),
    "series": ("patient", "study"),
    "instances": ("patient", "study", "series"),
}
_CHILDREN = {
    "patients": ("studies", "series", "instances"),
    "studies": ("series", "instances"),
    "series": ("instances",),
}
_AT_ONCE = 8


def upload(run: Run, content: bytes) -> dict[str, Any]:
    """Store an image, and return what the server says of it."""
    answer = ok(run.client.post("/instances", content))
    run.stored += 1
    found: dict[str, Any] = answer.json
    expect(found["Status"] == "Success", f"an upload is {found['Status']}")
    return found


def ok(answer: Answer, status: int = HTTPStatus.OK) -> Answer:
    """Return an answer of a status, and fail for any other one."""
    expect(answer.status == status, f"{answer.status} in place of {status}: {answer.body[:200]!r}")
    return answer


@step("the server answers")
def server_answers(run: Run) -> str:
    """Ask what the server says of itself; write its default encoding as it is."""
    for path in ("/", "/system", "/statistics", "/tools/now"):
        ok(run.client.get(path))
    encoding = ok(run.client.get("/tools/default-encoding")).body
    ok(run.client.call("PUT", "/tools/default-encoding", encoding))
    return f"version {run.client.get('/system').json['Version']}"


@step("uploads and lists")
def uploads_and_lists(run: Run) -> str:
    """Store a study of two series, and look at it from everywhere."""
    files = {}
    for series in (1, 2):
        for number in (1, 2):
            content = run.make.image("A", 1, series, number)
            found = upload(run, content)
            files[found["ID"]] = content
    run.held["first"] = found
    for level, key in _LEVELS.items():
        own = f"/{level}/{found[key]}"
        expect(found[key] in ok(run.client.get(f"/{level}")).json, f"/{level} lacks what was stored")
        ok(run.client.get(f"/{level}?expand"))
        expect(ok(run.client.get(own)).json["ID"] == found[key], own)
        for name in (*_PARENTS.get(level, ()), *_CHILDREN.get(level, ()), "metadata", "labels"):
            ok(run.client.get(f"{own}/{name}"))
    for name, content in files.items():
        expect(ok(run.client.get(f"/instances/{name}/file")).body == content, "a file came back changed")
    for name in ("tags", "simplified-tags"):
        expect(ok(run.client.get(f"/instances/{found['ID']}/{name}")).json, f"no {name}")
    shown = ok(run.client.post("/tools/bulk-content", {"Resources": [found["ParentStudy"]]})).json
    expect(len(shown) == 1, "bulk-content")
    return f"{len(files)} images, the same bytes"


@step("metadata and labels")
def metadata_and_labels(run: Run) -> str:
    """Written, read and deleted at each level."""
    found = run.held["first"]
    for level, key in _LEVELS.items():
        for path, body in (
            (f"/{level}/{found[key]}/metadata/1024", b"value"),
            (f"/{level}/{found[key]}/labels/seen", b""),
        ):
            ok(run.client.call("PUT", path, body))
            expect(ok(run.client.get(path)).body == body, path)
            ok(run.client.call("DELETE", path))
            ok(run.client.get(path), HTTPStatus.NOT_FOUND)
    return "at four levels"


@step("one instance")
def one_instance(run: Run) -> str:
    """Edited copies, of which nothing stays."""
    found = run.held["first"]
    patient = run.make.patient("A").encode()
    made = ok(run.client.post(f"/instances/{found['ID']}/anonymize", {}))
    expect(patient not in made.body, "the PatientID is in an anonymized copy")
    made = ok(
        run.client.post(f"/instances/{found['ID']}/modify", {"Replace": {"StudyDescription": "EDITED"}})
    )
    expect(b"EDITED" in made.body, "a replacement is not in the copy")
    return "anonymized and modified"


@step("jobs")
def jobs(run: Run) -> str:
    """Submit one by every route, and wait for it; then handle one in every way."""
    found = run.held["first"]
    study = found["ParentStudy"]
    asked: list[tuple[str, dict[str, Any]]] = []
    for level in ("patients", "studies", "series"):
        path = f"/{level}/{found[_LEVELS[level]]}"
        stranger = {"PatientID": run.make.patient(f"B{level}")}
        asked += [(f"{path}/anonymize", {}), (f"{path}/modify", {"Replace": stranger, "Force": True})]
    asked += [
        ("/tools/bulk-anonymize", {"Resources": [study]}),
        (
            "/tools/bulk-modify",
            {"Resources": [study], "Level": "Study", "Replace": {"StudyDescription": "B"}},
        ),
        (f"/studies/{study}/split", {"Series": [found["ParentSeries"]], "KeepSource": True}),
        (
            f"/studies/{study}/merge",
            {"Resources": [upload(run, run.make.image("C"))["ParentStudy"]], "KeepSource": True},
        ),
    ]
    for path, body in asked:
        content = ok(run.client.post(path, body)).json
        expect(content["FailedInstancesCount"] == 0, f"{path.rpartition('/')[2]}: instances failed")
        run.edited += content["InstancesCount"]
        remember(run, content)
    return _handled(run, study)


def remember(run: Run, content: Mapping[str, Any]) -> None:
    """Keep in mind which patients a job has made."""
    made = run.held.setdefault("patients", set())
    if "PatientID" in content:
        made.add(content["PatientID"])
    elif isinstance(content.get("Resources"), list):
        for resource in content["Resources"]:
            path = resource["Path"]
            parent = run.client.get(path if path.startswith("/patients/") else f"{path}/patient")
            if parent.status == HTTPStatus.OK:
                made.add(parent.json["ID"])


def _handled(run: Run, study: str) -> str:
    job = ok(
        run.client.post(f"/studies/{study}/anonymize", {"Asynchronous": True, "UserData": "smoke"})
    ).json["ID"]
    for action in ("pause", "resume", "cancel", "resubmit"):  # whatever it is by then: each is answered
        expect(run.client.post(f"/jobs/{job}/{action}", {}).status in (200, 400, 409), action)
    expect(job in ok(run.client.get("/jobs")).json, "the job is not listed")
    ok(run.client.get("/jobs?expand"))
    ended = run.client.ended(job)
    expect(ended["UserData"] == "smoke", "UserData are lost")
    remember(run, ended["Content"])
    for method in ("GET", "DELETE"):
        ok(run.client.call(method, f"/jobs/{job}/archive"), HTTPStatus.NOT_FOUND)
    ok(run.client.call("DELETE", f"/jobs/{job}"))
    return f"all kinds, and a job that was stopped and resubmitted: {ended['State']}"


@step("the map runs")
def map_runs(run: Run) -> str:
    """Anonymize a whole study, in many batches."""
    contents = [run.make.image("M", number=number, size=1024) for number in range(1, run.images + 1)]
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        found = list(threads.map(lambda content: upload(run, content), contents))
    run.held["many"] = found[0]
    job = ok(run.client.post(f"/studies/{found[0]['ParentStudy']}/anonymize", {"Asynchronous": True})).json[
        "ID"
    ]
    ended = run.client.ended(job)
    content = ended["Content"]
    counts = content["InstancesCount"], content["FailedInstancesCount"]
    expect(
        (ended["State"], *counts) == ("Success", run.images, 0),
        f"{ended['State']}, {counts}, {ended['ErrorDetails']}",
    )
    run.edited += run.images
    remember(run, content)
    told = f"{run.images} images in {ended['EffectiveRuntime']:.1f} s"
    if run.stack is not None:
        told += f"; {run.stack.map_items(job)}"
    return told


@step("the size of a body")
def size_of_a_body(run: Run) -> str:
    """Upload what fits, and what does not."""
    content = run.make.image("L", size=4_300_000)
    run.held["large"] = upload(run, content)["ID"], content
    statuses = [run.client.post("/instances", run.make.image("L", number=2 + n, size=size)).status
                for n, size in enumerate((5_000_000, 11_000_000))]  # fmt: skip
    limited = run.stack is not None
    expect(statuses == [413 if limited else 200] * 2, f"5 and 11 MB are answered {statuses}")
    return f"4.3 MB are stored, 5 and 11 MB answered {statuses}"


@step("large answers")
def large_answers(run: Run) -> str:
    """Fetch a file that is a redirection on AWS: the same bytes."""
    name, content = run.held["large"]
    expect(ok(run.client.get(f"/instances/{name}/file")).body == content, "the file came back changed")
    return f"{len(content) / 1e6:.1f} MB, the same bytes"


@step("`//instances`, `/instances/`")
def slashes(run: Run) -> str:
    """As far as the gateway lets them through."""
    statuses = {path: run.client.get(path).status for path in ("//instances", "/instances/")}
    expect(set(statuses.values()) <= {200, 308}, f"{statuses}")
    return f"{statuses}"


@step("every route was called")
def every_route(run: Run) -> str:
    """Beside the deletions, which come last."""
    missing = sorted(
        {(m, r) for r, methods in ROUTES.items() for m in methods} - run.client.routes - _AT_THE_END
    )
    expect(not missing, f"not called: {missing}")
    return f"{len(run.client.routes)} calls of the API"


_AT_THE_END = {("DELETE", f"/{level}/{{id}}") for level in _LEVELS} | {("POST", "/tools/bulk-delete")}


@step("deletion")
def deletion(run: Run) -> str:
    """All that the run has stored; nothing stays."""
    if "first" not in run.held:
        raise LeftOutError("nothing was stored")
    found = run.held["first"]
    for level in ("instances", "series", "studies"):
        ok(run.client.call("DELETE", f"/{level}/{found[_LEVELS[level]]}"))
    mine = _of_this_run(run)
    for patient in mine[:1]:
        ok(run.client.call("DELETE", f"/patients/{patient}"))
    if len(mine) > 1:
        ok(run.client.post("/tools/bulk-delete", {"Resources": mine[1:]}))
    expect(not _of_this_run(run), "patients of this run are still listed")
    ok(run.client.get(f"/instances/{run.held['large'][0]}/file"), HTTPStatus.NOT_FOUND)
    return f"{len(mine)} patients"


def _of_this_run(run: Run) -> list[str]:
    """Return the patients that are there and were stored by this run, or made of those."""
    made = run.held.get("patients", set())
    return [
        patient["ID"]
        for patient in ok(run.client.get("/patients?expand")).json
        if patient["ID"] in made or run.make.token in patient["MainDicomTags"].get("PatientID", "")
    ]
