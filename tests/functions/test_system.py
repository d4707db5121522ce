"""The server itself."""

from collections.abc import Callable
from datetime import UTC, datetime

from dicomorph import __version__
from dicomorph.model.settings import OverwriteInstances
from tests.support.api_client import Client, Clock


def test_clients_find_the_version_that_they_gate_features_on(client: Client) -> None:
    system = client.get("/system").json
    assert (system["Version"], system["ApiVersion"]) == ("1.13.0", 31)
    assert (system["Software"], system["SoftwareVersion"]) == ("Dicomorph", __version__)
    assert system["MainDicomTags"]["Patient"] == "0010,0010;0010,0020;0010,0030;0010,0040;0010,1000"
    assert set(system["MainDicomTags"]) == {"Patient", "Study", "Series", "Instance"}
    assert system["HasLabels"] is True
    assert (system["OverwriteInstances"], system["OverwriteInstancesMode"]) == (False, "Never")


def test_settings_are_shown(make_client: Callable[..., Client]) -> None:
    client = make_client(
        overwrite_instances=OverwriteInstances.IF_CHANGED, check_revisions=True, user_metadata={"m": 1098}
    )
    system = client.get("/system").json
    assert (system["OverwriteInstances"], system["OverwriteInstancesMode"]) == (True, "IfChanged")
    assert system["CheckRevisions"] is True
    assert system["UserMetadata"] == {"m": 1098}


def test_statistics_count_resources_and_bytes(client: Client) -> None:
    files = [client.upload("A", 1, 1, 1), client.upload("A", 1, 1, 2), client.upload("B", 2, 1, 1)]
    size = sum(client.get(f["Path"]).json["FileSize"] for f in files)
    assert client.get("/statistics").json == {
        "CountInstances": 3,
        "CountPatients": 2,
        "CountSeries": 2,
        "CountStudies": 2,
        "TotalDiskSize": str(size),
        "TotalDiskSizeMB": 0,
        "TotalUncompressedSize": str(size),
        "TotalUncompressedSizeMB": 0,
    }


def test_the_time_is_told_in_utc_to_the_second(client: Client, clock: Clock) -> None:
    clock.moment = datetime(2024, 2, 29, 7, 5, 9, 123456, tzinfo=UTC)
    answer = client.get("/tools/now")
    assert (answer.body, answer.headers["content-type"]) == (b"20240229T070509", "text/plain")


def test_the_default_encoding_is_changed_for_good(make_client: Callable[..., Client]) -> None:
    client = make_client(default_encoding="Utf8")
    answer = client.get("/tools/default-encoding")
    assert (answer.body, answer.headers["content-type"]) == (b"Utf8", "text/plain")
    assert client.put("/tools/default-encoding", "Latin1").status == 200
    assert make_client(default_encoding="Utf8").get("/tools/default-encoding").body == b"Latin1"
    assert client.put("/tools/default-encoding", "Klingon").error == (400, 3)
    assert client.get("/tools/default-encoding").body == b"Latin1"
