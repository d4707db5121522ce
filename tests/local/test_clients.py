"""Clients of Orthanc, in an environment of their own, against a server; `make test-clients` sets them up."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from tests.local.conftest import ROOT, Server
from tests.support.api_client import make_dicom
from tests.support.images import GREY

PYTHON = ROOT / ".cache/clients/bin/python"
RLE, JPEG_LS = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.80"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not PYTHON.exists(), reason="The clients are not set up; `make test-clients` does it"),
]

PYORTHANC = """
import io, json, sys, time
import pydicom
from pyorthanc import Orthanc
url, file, syntax = sys.argv[1:]
client = Orthanc(url)
with open(file, "rb") as stream:
    stored = client.post_instances(stream.read())
def read(content):
    found = pydicom.dcmread(io.BytesIO(content))
    return [str(found.file_meta.TransferSyntaxUID), str(found.PatientID), str(found.SOPInstanceUID)]
told = {
    "anonymize": read(client.post_instances_id_anonymize(stored["ID"], json={"Transcode": syntax})),
    "modify": read(client.post_instances_id_modify(
        stored["ID"], json={"Replace": {"PatientID": "NEW"}, "Force": True, "Transcode": syntax})),
    "file": read(client.get_instances_id_file(stored["ID"], params={"transcode": syntax})),
}
for deed, body in (("anonymize", {}), ("modify", {"Replace": {"PatientID": "NEW"}, "Force": True})):
    ask = getattr(client, f"post_patients_id_{deed}")
    job = ask(stored["ParentPatient"], json={**body, "Transcode": syntax, "Asynchronous": True})
    while (found := client.get_jobs_id(job["ID"]))["State"] not in ("Success", "Failure"):
        time.sleep(0.05)
    [instance] = client.get_patients_id_instances(found["Content"]["ID"])
    told[f"job {deed}"] = read(client.get_instances_id_file(instance["ID"]))
print(json.dumps(told))
"""

ORTHANC_API_CLIENT = """
import io, json, sys
import pydicom
from orthanc_api_client import OrthancApiClient
url, file, syntax = sys.argv[1:]
client = OrthancApiClient(url)
[stored] = client.upload_file(file)
study = client.instances.get_parent_study_id(stored)
def read(content):
    found = pydicom.dcmread(io.BytesIO(content))
    return [str(found.file_meta.TransferSyntaxUID), str(found.PatientID), str(found.SOPInstanceUID)]
def of(made):
    [instance] = made[0]
    return read(client.instances.get_file(instance))
told = {
    "anonymize": of(client.studies.anonymize_bulk([study], transcode=syntax)),
    "modify": of(client.studies.modify_bulk(
        [study], replace_tags={"PatientID": "NEW"}, force=True, delete_original=False, transcode=syntax)),
    "file": read(client.get_binary(f"instances/{stored}/file?transcode={syntax}")),
}
for deed, more in (("anonymize", {}), ("modify", {"replace_tags": {"PatientID": "NEWER"}})):
    ask = getattr(client.studies, f"{deed}_bulk_async")
    job = ask([study], force=bool(more), delete_original=False, transcode=syntax, **more)
    job.wait_completed(timeout=60)
    resources = job.refresh().content["Resources"]
    [instance] = [one["ID"] for one in resources if one["Type"] == "Instance"]
    told[f"job {deed}"] = read(client.instances.get_file(instance))
print(json.dumps(told))
"""


def _run(script: str, server: Server, folder: Path, syntax: str) -> dict[str, Any]:
    file = folder / "grey.dcm"
    file.write_bytes(make_dicom(**GREY))
    command = [str(PYTHON), "-c", script, f"http://127.0.0.1:{server.port}/", str(file), syntax]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("syntax", [RLE, JPEG_LS])
@pytest.mark.parametrize("script", [PYORTHANC, ORTHANC_API_CLIENT], ids=["pyorthanc", "orthanc-api-client"])
def test_a_client_converts_as_it_edits(server: Server, tmp_path: Path, script: str, syntax: str) -> None:
    told = _run(script, server, tmp_path, syntax)
    original = dcmread(tmp_path / "grey.dcm")
    assert told.keys() == {"anonymize", "modify", "file", "job anonymize", "job modify"}
    assert {found[0] for found in told.values()} == {syntax}
    for deed, (_, patient, uid) in told.items():
        assert patient.startswith("NEW") == ("modify" in deed)
        assert (patient == "PAT") == (deed == "file")
        assert (uid == original.SOPInstanceUID) == (deed == "file")  # none of these is lossy
