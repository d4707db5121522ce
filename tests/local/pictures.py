"""What a data folder and the server on it have: of each patient, and of each file."""

from __future__ import annotations

import hashlib
import io
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pydicom

from tests.local.conftest import Server


class Picture(NamedTuple):
    """What the store has of a patient: the files that were uploaded, and how many products."""

    files: frozenset[tuple[str, str]] = frozenset()
    products: int = 0

    def stored(self, uid: str, content: bytes) -> Picture:
        """Return the picture with a file, in place of one with the same UID."""
        others = {entry for entry in self.files if entry[0] != uid}
        return self._replace(files=frozenset({*others, (uid, digest(content))}))

    def without(self, uid: str) -> Picture:
        return self._replace(files=frozenset(entry for entry in self.files if entry[0] != uid))


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def strays(data: Path) -> tuple[set[str], set[str]]:
    """Return the files without an entry and the entries without a file."""
    with closing(sqlite3.connect(data / "index.db")) as index:
        held = {key for (key,) in index.execute("SELECT object_key FROM resource WHERE level = 3")}
    objects = data / "objects"
    files = {path.relative_to(objects).as_posix() for path in (objects / "instances").rglob("*.dcm")}
    return files - held, held - files


def wait_for_jobs(server: Server) -> None:
    """Wait until each job has ended well."""
    jobs = server.get("/jobs").json
    for job in jobs:
        ended = server.wait_for_job(job)
        assert ended["State"] == "Success", ended


def pictures(server: Server) -> dict[str, Picture]:
    """Return what there is of each patient, by what its files say."""
    found: dict[str, Picture] = {}
    for data, content in _files(server):
        patient = str(data.PatientID)
        picture = found.get(patient, Picture())
        if data.StudyDescription == "product":
            found[patient] = picture._replace(products=picture.products + 1)
        else:
            assert data.SOPInstanceUID not in {uid for uid, _ in picture.files}
            found[patient] = picture.stored(str(data.SOPInstanceUID), content)
    return found


def _files(server: Server) -> Iterator[tuple[pydicom.Dataset, bytes]]:
    for instance in server.get("/instances").json:
        answer = server.get(f"/instances/{instance}/file")
        assert answer.status == 200, answer.status
        yield pydicom.dcmread(io.BytesIO(answer.body)), answer.body
