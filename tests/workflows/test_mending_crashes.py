"""An upload that mends a damaged file, amid which the process dies or the disk is full."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from dicomorph.model.errors import StorageFullError
from dicomorph.services.damage import check_object
from tests.support.damage import MISSING, OF_SIZE, Damage, damage, flipped, stored_object
from tests.workflows.crashes import CrashError, FullDisk, Fuse, at_each_write
from tests.workflows.embedded import Server, files_of, serve, tidy


def uploaded(server: Server, description: str) -> str:
    return str(server.upload(StudyDescription=description)["ID"])


@pytest.mark.parametrize("kind", [Fuse, FullDisk])
@pytest.mark.parametrize("description", ["The same", "Another"])
@pytest.mark.parametrize(
    "how", [MISSING, OF_SIZE["empty"], flipped(0.5)], ids=["missing", "empty", "flipped"]
)
def test_it_can_be_uploaded_once_more(
    tmp_path: Path, kind: type[Fuse], description: str, how: Damage
) -> None:
    for fuse in at_each_write(kind):
        folder = tmp_path / str(fuse.burns_at)
        server = serve(folder)
        instance = uploaded(server, "The same")
        damage(server.backend, instance, how)
        with suppress(CrashError, StorageFullError):
            uploaded(fuse.wrap(server), description)
        server = serve(folder)
        tidy(server, folder)
        uploaded(server, description)
        ref = stored_object(server.backend, instance)
        check_object(server.backend.objects, ref)
        assert {path for path in files_of(folder) if path.startswith("objects")} == {f"objects/{ref.key}"}
        assert server.backend.index.outbox.waiting(limit=9) == []
        assert uploaded(server, description) == instance
        assert stored_object(server.backend, instance) == ref
    assert fuse.writes >= (1 if description == "The same" else 3)
