"""What is deleted or replaced is erased, whenever the process dies; nothing else is."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dicomorph.model.errors import (
    BadRequestError,
    InternalError,
    StaleEpochError,
    StorageFullError,
    TransientError,
)
from dicomorph.model.resources import LEVELS, Level, ObjectRef
from dicomorph.model.settings import OverwriteInstances
from dicomorph.services.store.bulk_delete import bulk_delete
from dicomorph.services.store.delete_resource import delete_resource
from tests.workflows.aws_server import aws_server
from tests.workflows.crashes import CrashError, Fuse, at_each_write
from tests.workflows.embedded import Server, files_of, serve, tidy
from tests.workflows.meddling import before_nth, failing
from tests.workflows.scenarios import keys_of, upload


def check(server: Server, folder: Path, *, elsewhere: int = 0) -> None:
    """Each file of the folder belongs to an entry, each entry has its file, and nothing waits."""
    assert len(files_of(folder) - {f"objects/{key}" for key in server.files()}) == elsewhere
    assert server.files() == sorted(keys_of(server).values())
    assert server.backend.index.outbox.waiting(limit=9) == []


def _delete(level: Level) -> Callable[[Server, list[dict[str, Any]]], object]:
    def delete(server: Server, stored: list[dict[str, Any]]) -> object:
        named = {Level.INSTANCE: "ID"}.get(level, f"Parent{level.value}")
        return delete_resource(server.backend, level, stored[0][named])

    return delete


def _delete_many(server: Server, stored: list[dict[str, Any]]) -> None:
    bulk_delete(server.backend, {"Resources": [stored[0]["ParentSeries"], stored[3]["ID"], stored[2]["ID"]]})


def _forgetful(server: Server, copy: Path) -> Server:
    """Return a server that takes out of a copy of its files what is synced: that does not come back."""

    class Objects:
        def __getattr__(self, name: str) -> Any:
            return getattr(server.backend.objects, name)

        def sync(self, refs: Iterable[ObjectRef]) -> None:
            synced = list(refs)
            server.backend.objects.sync(synced)
            for ref in synced:
                (copy / ref.key).unlink(missing_ok=True)

    objects: Any = Objects()
    return Server(replace(server.backend, objects=objects))


DEEDS: dict[str, Callable[[Server, list[dict[str, Any]]], object]] = {
    **{level.value: _delete(level) for level in LEVELS},
    "bulk": _delete_many,
    "replace": lambda server, _: server.upload(StudyDescription="Another"),
}


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("name", DEEDS)
def test_a_crash_at_any_write_leaves_the_entry_or_erases_the_file(
    tmp_path: Path,
    name: str,
    cut: bool,  # noqa: FBT001
) -> None:
    """With a power cut, what was unlinked and not yet synced is there again."""
    for fuse in at_each_write(Fuse):
        folder, copy = tmp_path / str(fuse.burns_at), tmp_path / f"{fuse.burns_at}-copy"
        server = serve(folder, overwrite_instances=OverwriteInstances.ALWAYS)
        stored = upload(server)
        shutil.copytree(folder / "objects", copy)
        entries = keys_of(server)
        crashed = True
        with suppress(CrashError):
            DEEDS[name](fuse.wrap(_forgetful(server, copy)), stored)
            crashed = False
        if cut and crashed:
            shutil.copytree(copy, folder / "objects", dirs_exist_ok=True)
        server = serve(folder)
        orphans = tidy(server, folder)
        # Of an upload that nobody answered, there may be a file that never got its entry.
        assert orphans == (1 if name == "replace" and crashed and fuse.burns_at == 2 else 0)
        check(server, folder, elsewhere=orphans)
        assert crashed or keys_of(server) != entries
    assert fuse.writes >= 3


ERRORS = [TransientError, StorageFullError, StaleEpochError, BadRequestError, InternalError, MemoryError]


@pytest.mark.parametrize("error", ERRORS)
@pytest.mark.parametrize("call", ["add", "sync"])
def test_an_upload_that_fails_leaves_no_file(tmp_path: Path, call: str, error: type[Exception]) -> None:
    server = serve(tmp_path, sync_storage_area=True)
    kept = server.upload()
    port = "index" if call == "add" else "objects"
    broken: Any = {port: before_nth(getattr(server.backend, port), call, 1, failing(error()))}
    with pytest.raises(error):
        Server(replace(server.backend, **broken)).upload(2)
    assert files_of(tmp_path) == {f"objects/{keys_of(server)[kept['ID']]}"}
    assert tidy(server, tmp_path) == 0


def test_an_upload_whose_entry_came_all_the_same_keeps_its_file(tmp_path: Path) -> None:
    server = serve(tmp_path)

    class LateError:
        def __getattr__(self, name: str) -> Any:
            found = getattr(server.backend.index.ingest, name)

            def add(*args: Any, **options: Any) -> None:
                found(*args, **options)
                raise TransientError

            return add if name == "add" else found

    ingest: Any = LateError()
    index = replace(server.backend.index, ingest=ingest)
    with pytest.raises(TransientError):
        Server(replace(server.backend, index=index)).upload()
    assert len(keys_of(server)) == 1
    check(server, tmp_path)


def test_on_aws_an_upload_whose_answer_was_lost_keeps_its_object() -> None:
    with aws_server() as (server, _):
        index = before_nth(server.backend.index, "add", 1, failing(TransientError()))
        with pytest.raises(TransientError):
            Server(replace(server.backend, index=index)).upload()
        assert len(server.files()) == 1


def test_a_deletion_that_fails_midway_is_made_up_for_at_the_next_start(tmp_path: Path) -> None:
    server = serve(tmp_path)
    stored = upload(server)
    objects = before_nth(server.backend.objects, "discard", 1, failing(TransientError()))
    with pytest.raises(TransientError):
        delete_resource(replace(server.backend, objects=objects), Level.PATIENT, stored[0]["ParentPatient"])
    assert keys_of(server) == {}
    assert len(files_of(tmp_path)) == 4
    assert tidy(server, tmp_path) == 0
    check(server, tmp_path)
    assert files_of(tmp_path) == set()


def test_of_a_bulk_deletion_that_fails_all_goes_that_has_lost_its_entry(tmp_path: Path) -> None:
    server = serve(tmp_path)
    stored = upload(server)
    index = before_nth(server.backend.index, "remove", 2, failing(TransientError()))
    body: dict[str, Any] = {
        "Resources": [stored[0]["ParentSeries"], stored[3]["ParentSeries"], stored[2]["ID"]]
    }
    with pytest.raises(TransientError):
        bulk_delete(replace(server.backend, index=index), body)
    assert len(keys_of(server)) in {2, 3}  # the series are asked for in either order
    check(server, tmp_path)
