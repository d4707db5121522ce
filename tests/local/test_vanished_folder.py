"""A data folder that goes, or is another one, under a running server: nothing is written into the void."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dicomorph.embedded.backend import begin_epoch
from dicomorph.model.errors import DataFolderGoneError, DicomorphError
from dicomorph.model.resources import Level
from dicomorph.services.annotate.labels import add_label
from dicomorph.services.browse.read_instance import read_instance
from dicomorph.services.store.delete_resource import delete_resource
from dicomorph.services.work.edit_batch import edit_batch
from dicomorph.services.work.plan_job import plan_job
from local.worker import set_up
from tests.support.api_client import make_dicom
from tests.workflows.embedded import Server, serve

Vanish = Callable[[Path, Path], None]


def _emptied(folder: Path, aside: Path) -> None:
    folder.rename(aside)
    folder.mkdir()


def _another(folder: Path, aside: Path) -> None:
    folder.rename(aside)
    shutil.copytree(aside, folder)


def _moved(folder: Path, aside: Path) -> None:
    folder.rename(aside)


def _a_file(folder: Path, aside: Path) -> None:
    folder.rename(aside)
    folder.touch()


VANISHINGS: dict[str, Vanish] = {
    "moved": _moved,
    "an empty one in its place": _emptied,
    "a copy in its place": _another,
    "a file in its place": _a_file,
}


def content(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder, the log and the memory of the database left out."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "index.db" not in path.name
    }


def requests(server: Server, stored: dict[str, Any], job: str) -> dict[str, Callable[[], object]]:
    """Return what clients and workers may ask for."""
    backend, instance = server.backend, stored["ID"]
    return {
        "upload": lambda: server.upload(9),
        "upload again": lambda: server.upload(1),
        "read": lambda: read_instance(backend, instance, file_name="a.dcm"),
        "list": lambda: backend.index.catalogue.ids(Level.INSTANCE),
        "delete": lambda: delete_resource(backend, Level.INSTANCE, instance),
        "label": lambda: add_label(backend, Level.INSTANCE, instance, "seen"),
        "metadata": lambda: backend.index.annotations.set_metadata(
            Level.INSTANCE, instance, "1024", "a", expected=None
        ),
        "submit": lambda: server.submit(stored["ParentStudy"]),
        "edit": lambda: edit_batch(backend, job, 0),
        "write": lambda: backend.objects.put("instances/ab/1.dcm", make_dicom()),
        "write a document": lambda: backend.objects.put("jobs/1/request.json", b"{}"),
    }


@pytest.mark.parametrize("vanish", VANISHINGS.values(), ids=VANISHINGS)
@pytest.mark.parametrize("nameless", [True, False], ids=["nameless", "aside"])
def test_nothing_is_acknowledged_into_the_void(
    tmp_path: Path, vanish: Vanish, monkeypatch: pytest.MonkeyPatch, *, nameless: bool
) -> None:
    if not nameless:
        monkeypatch.setattr("dicomorph.embedded.objects.store.can_be_nameless", lambda _: False)
    folder, aside = tmp_path / "data", tmp_path / "aside"
    server = serve(folder)
    stored = server.upload(1)
    job = server.submit(stored["ParentStudy"], body={"KeepSource": False})
    plan_job(server.backend, job.id)
    vanish(folder, aside)
    before = content(folder), content(aside)
    for name, use in requests(server, stored, job.id).items():
        with pytest.raises(DicomorphError) as caught:
            use()
        assert type(caught.value) is DataFolderGoneError, name
    assert (content(folder), content(aside)) == before
    shutil.rmtree(folder) if folder.is_dir() else folder.unlink(missing_ok=True)
    aside.rename(folder)  # it is back, such as a mount: all goes on
    assert server.upload(9)["Status"] == "Success"
    edit_batch(server.backend, job.id, 0)
    assert server.backend.index.catalogue.statistics().instances == 3


def test_so_it_is_when_the_folder_is_deleted(tmp_path: Path) -> None:
    server = serve(tmp_path / "data")
    stored = server.upload(1)
    shutil.rmtree(tmp_path / "data")
    for name, use in requests(server, stored, "none").items():
        with pytest.raises(DataFolderGoneError):
            use()
        assert not (tmp_path / "data").exists(), name


@pytest.mark.parametrize("vanish", [_moved, _emptied, _a_file], ids=["moved", "emptied", "a file"])
def test_a_worker_that_starts_then_makes_no_new_folder(tmp_path: Path, vanish: Vanish) -> None:
    folder, aside = tmp_path / "data", tmp_path / "aside"
    serve(folder).upload()
    epoch = begin_epoch(folder)
    vanish(folder, aside)
    with pytest.raises(DataFolderGoneError):
        set_up({"data": str(folder), "settings": {}, "epoch": epoch})
    assert not folder.is_dir() or not list(folder.iterdir())


@pytest.mark.parametrize("vanish", [_moved, _emptied], ids=["moved", "emptied"])
def test_a_server_says_so(make_server: Callable[..., Any], tmp_path: Path, vanish: Vanish) -> None:
    server = make_server()
    stored = server.call("POST", "/instances", make_dicom()).json
    aside = tmp_path / "aside"
    vanish(server.data, aside)
    before = content(aside)
    small, large = make_dicom(instance=2), make_dicom(instance=3, PixelData=bytes(1 << 20), BitsAllocated=8)
    asked = [
        server.call("POST", "/instances", small),
        server.call("POST", "/instances", large),
        server.call("GET", f"/instances/{stored['ID']}/file"),
        server.call("GET", "/statistics"),
        server.call("PUT", f"/instances/{stored['ID']}/labels/seen"),
        server.call("POST", f"/studies/{stored['ParentStudy']}/anonymize", b"{}"),
        server.call("DELETE", f"/instances/{stored['ID']}"),
    ]
    assert [(answer.status, answer.json["OrthancStatus"]) for answer in asked] == [(500, -1)] * len(asked)
    assert content(aside) == before
    if server.data.exists():
        assert content(server.data) == {}
        server.data.rmdir()
    aside.rename(server.data)
    assert server.call("GET", f"/instances/{stored['ID']}/file").status == 200
    assert server.call("POST", "/instances", small).json["Status"] == "Success"
    assert server.call("GET", "/statistics").json["CountInstances"] == 2
