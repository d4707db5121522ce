"""DELETE at each level."""

import pytest

from tests.support.api_client import Client


def test_the_lowest_remaining_ancestor_is_named(client: Client) -> None:
    first = client.upload("PAT", 1, 1, 1)
    second = client.upload("PAT", 1, 1, 2)
    other_study = client.upload("PAT", 2, 1, 1)
    answer = client.delete(first["Path"])
    assert answer.status == 200
    series = first["ParentSeries"]
    assert answer.json == {"RemainingAncestor": {"ID": series, "Path": f"/series/{series}", "Type": "Series"}}
    answer = client.delete(second["Path"])
    assert answer.json["RemainingAncestor"]["Type"] == "Patient"
    answer = client.delete(f"/studies/{other_study['ParentStudy']}")
    assert answer.json == {"RemainingAncestor": None}
    assert client.get("/patients").json == []
    assert client.stored_files() == set()


def test_a_patient_goes_with_everything_below(client: Client) -> None:
    gone = client.upload("PAT", 1, 1, 1)
    client.upload("PAT", 2, 1, 1)
    kept = client.upload("OTHER", 3, 1, 1)
    assert client.delete(f"/patients/{gone['ParentPatient']}").json == {"RemainingAncestor": None}
    assert client.get("/instances").json == [kept["ID"]]
    assert len(client.stored_files()) == 1


@pytest.mark.parametrize("level", ["patients", "studies", "series", "instances"])
def test_an_unknown_id_or_one_of_another_level_is_an_empty_404(client: Client, level: str) -> None:
    uploaded = client.upload()
    ids = {
        "nope",
        uploaded["ID"],
        uploaded["ParentSeries"],
        uploaded["ParentStudy"],
        uploaded["ParentPatient"],
    }
    own = {"patients": "ParentPatient", "studies": "ParentStudy", "series": "ParentSeries", "instances": "ID"}
    for resource_id in ids - {uploaded[own[level]]}:
        answer = client.delete(f"/{level}/{resource_id}")
        assert (answer.status, answer.body, answer.headers["content-type"]) == (404, b"", "text/plain")
    assert client.get("/instances").json == [uploaded["ID"]]
