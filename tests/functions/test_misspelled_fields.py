"""A field that is nearly one of a request is refused, whatever the route; others are ignored."""

from __future__ import annotations

import pytest

from tests.support.api_client import Client

NAMES = ["removed", "KeepSources", "Dicomversion", "Asynchronus"]
ROUTES = [
    "/instances/{ID}/anonymize",
    "/instances/{ID}/modify",
    "/series/{ParentSeries}/anonymize",
    "/studies/{ParentStudy}/modify",
    "/patients/{ParentPatient}/anonymize",
    "/tools/bulk-anonymize",
    "/tools/bulk-modify",
    "/studies/{ParentStudy}/split",
    "/studies/{ParentStudy}/merge",
]


@pytest.mark.parametrize("route", ROUTES)
def test_a_misspelled_field_is_refused_and_changes_nothing(client: Client, route: str) -> None:
    stored = client.upload("PAT", 1, 1, 1)
    other = client.upload("PAT", 2, 1, 1)
    known = {"Resources": [other["ID"]], "Instances": [stored["ID"]]}
    for name in NAMES:
        answer = client.post(route.format(**stored), {**known, name: ["PatientName"]})
        assert answer.error == (400, 8)
        assert "was probably meant" in answer.json["Details"]
    assert client.get("/jobs").json == []
    assert client.get("/instances").json == sorted([stored["ID"], other["ID"]])
    # What no route knows is ignored, as in Orthanc, and so is what only others know.
    answer = client.post(route.format(**stored), {**known, "Foo": 1, "Expand": 1, "Peer": "x"})
    assert answer.status == 200


def test_a_misspelled_field_of_what_is_shown_is_refused(client: Client) -> None:
    body = {"Resources": [client.upload()["ID"]]}
    for name in ("level", "Metdata", "Simplfy", "ful"):
        assert client.post("/tools/bulk-content", {**body, name: True}).error == (400, 8)
    assert len(client.post("/tools/bulk-content", {**body, "Expand": True}).json) == 1


# What Orthanc's other routes read, at the top level of their bodies.
_ELSEWHERE = [
    *("AET", "AllowEcho", "AllowFind", "AllowFindWorklist", "AllowGet", "AllowMove"),
    *(
        "AllowNEventReport",
        "AllowStorageCommitment",
        "AllowStore",
        "AllowTranscoding",
        "Arguments",
        "BucketSize",
    ),
    *(
        "CalledAet",
        "CaseSensitive",
        "CertificateFile",
        "CertificateKeyFile",
        "ChunkedTransfers",
        "CertificateKeyPassword",
    ),
    *("CheckFind", "Compress", "Compression", "Content", "DicomInstances", "Encapsulate"),
    *("Expand", "Extended", "Filename", "HasDelete", "Host", "HttpHeaders"),
    *("Labels", "LabelsConstraint", "Limit", "LimitToThisLevelMainDicomTags", "LocalAet", "Manufacturer"),
    *("MetadataQuery", "MoveOriginatorAet", "MoveOriginatorID", "Normalize", "OrderBy", "OriginatorUUID"),
    *("Parent", "ParentPatient", "ParentSeries", "ParentStudy", "Password", "Peer"),
    *("Pkcs11", "Port", "Query", "ReconstructFiles", "RequestedTags", "ResponseContent"),
    *("RetrieveMethod", "Since", "StorageCommitment", "Tags", "TargetAet", "Timeout"),
    *("URL", "Uri", "Url", "UseDicomTls", "Username"),
]


@pytest.mark.parametrize("route", [*ROUTES, "/tools/bulk-content", "/tools/bulk-delete"])
def test_the_fields_of_other_routes_pass_as_in_orthanc(client: Client, route: str) -> None:
    stored, other = client.upload("PAT", 1, 1, 1), client.upload("PAT", 2, 1, 1)
    body = {"Resources": [other["ID"]], "Instances": [stored["ID"]], **dict.fromkeys(_ELSEWHERE, "x")}
    assert client.post(route.format(**stored), body).status == 200
