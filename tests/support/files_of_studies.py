"""The files of a study, as a client downloads them."""

from __future__ import annotations

import io

import pydicom

from tests.support.api_client import Client


def files_of(client: Client, study: str) -> list[pydicom.Dataset]:
    ids = [instance["ID"] for instance in client.get(f"/studies/{study}/instances").json]
    return [pydicom.dcmread(io.BytesIO(client.get(f"/instances/{one}/file").body)) for one in ids]
