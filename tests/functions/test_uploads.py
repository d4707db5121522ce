"""Uploads that go past the API, on both deployments; where they are received is tested elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dicomorph import bootstrap
from dicomorph.aws.uploads.door import S3UploadDoor
from dicomorph.model.errors import BadFileFormatError, UnknownResourceError
from dicomorph.model.settings import Settings
from dicomorph.model.uploads import Outcome, Upload
from dicomorph.services.backend import Backend, Uploads
from dicomorph.services.uploads.announcing import read_announcement
from dicomorph.services.uploads.settle import refused, settle, stored
from tests.support.api_client import Client, Clock, make_dicom

GIB = 1 << 30
HOUR = 3600
DAY = 24 * HOUR
HOST = {"Host": "pacs.example.org"}


@pytest.fixture(params=["client", "aws_client"])
def door(request: pytest.FixtureRequest, clock: Clock) -> Client:
    """A client of each deployment, whose clock can be moved."""
    client: Client = request.getfixturevalue(request.param)
    client.backend = replace(client.backend, now=clock)
    bootstrap.use_backend(client.backend)
    return client


def begin(door: Client, **announced: Any) -> dict[str, Any]:
    answer = door.post("/uploads", {"Size": 5, **announced}, headers=HOST)
    assert answer.status == 200
    found: dict[str, Any] = answer.json
    return found


def test_an_upload_is_offered_an_address_of_its_own(door: Client) -> None:
    offers = [begin(door) for _ in range(2)]
    assert len({offer["ID"] for offer in offers}) == len({offer["Url"] for offer in offers}) == 2
    for offer in offers:
        assert (offer["Method"], offer["Size"], offer["Path"]) == ("PUT", 5, f"/uploads/{offer['ID']}")
        assert offer["Headers"] == {"Content-Length": "5"}
        assert offer["Url"].startswith("http")
        shown = door.get(offer["Path"]).json
        assert (shown["State"], shown["Expires"]) == ("Pending", offer["Expires"])
        assert shown.keys() == {"CreationTime", "Expires", "ID", "Size", "State"}


@given(st.integers(1, 5 << 40))
@example(5 * GIB)
@example(5 * GIB + 1)
@example(5 << 40)
def test_a_file_of_any_size_goes_in_parts_that_s3_takes(size: int) -> None:
    announced = read_announcement({"Size": size})
    assert announced.is_parted == (size > 5 * GIB)
    assert announced.parts <= 1200
    assert announced.part_size <= 5 * GIB
    if announced.is_parted:
        assert announced.part_size >= 5 << 20
        ranges = [announced.range_of(number) for number in range(1, announced.parts + 1)]
        assert [start for start, _ in ranges] == [0, *(stop for _, stop in ranges[:-1])]
        assert (ranges[-1][1], sum(announced.part_sizes)) == (size, size)


def test_a_file_above_5_gib_is_offered_addresses_of_its_parts(aws_client: Client) -> None:
    offer = begin(aws_client, Size=5 * GIB + 1)
    assert [part["Number"] for part in offer["Parts"]] == list(range(1, 22))
    assert offer["Parts"][0]["To"] == offer["Parts"][1]["From"] == 256 << 20
    assert offer["Parts"][-1]["Headers"] == {"Content-Length": "1"}
    assert offer["Complete"] == f"{offer['Path']}/complete"


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({}, (400, 15)),
        ({"Size": 0}, (400, 3)),
        ({"Size": -1}, (400, 3)),
        ({"Size": 1.5}, (400, 15)),
        ({"Size": True}, (400, 15)),
        ({"Size": "5"}, (400, 15)),
        ({"Size": None}, (400, 15)),
        ({"Size": (5 << 40) + 1}, (400, 3)),
        ({"size": 5}, (400, 8)),
        ({"Size": 5, "Checksums": {"Crc32": "00000000"}}, (400, 8)),
        ({"Size": 5, "Checksum": "00000000"}, (400, 15)),
        ({"Size": 5, "Checksum": {}}, (400, 15)),
        ({"Size": 5, "Checksum": {"Md5": "00000000"}}, (400, 15)),
        ({"Size": 5, "Checksum": {"Crc32": "00000000", "Sha256": "00" * 32}}, (400, 15)),
        ({"Size": 5, "Checksum": {"Crc32": "0000000"}}, (400, 15)),
        ({"Size": 5, "Checksum": {"Crc32": "0000 0000"}}, (400, 15)),
        ({"Size": 5, "Checksum": {"Crc32": 0}}, (400, 15)),
        ({"Size": 5, "Checksum": {"Crc32": []}}, (400, 8)),
        ({"Size": 5, "Checksum": {"Sha256": "00000000"}}, (400, 15)),
        ({"Size": 5, "Checksum": {"Crc32": ["00000000", "00000000"]}}, (400, 8)),
        ({"Size": 6 * GIB, "Checksum": {"Crc32": "00000000"}}, (400, 8)),
        ({"Size": 6 * GIB, "PartSize": 4 * GIB, "Checksum": {"Crc32": "00000000"}}, (400, 8)),
        ({"Size": 6 * GIB, "PartSize": 1}, (400, 3)),
        ({"Size": 6 * GIB, "PartSize": 5 * GIB + 1}, (400, 3)),
        ({"Size": 6 * GIB, "PartSize": 5 << 20}, (400, 3)),
    ],
)
def test_what_cannot_be_sent_is_refused(client: Client, body: dict[str, Any], error: tuple[int, int]) -> None:
    assert client.post("/uploads", body).error == error


def test_a_file_that_the_settings_leave_no_room_for_is_refused(door: Client) -> None:
    for settings, error in (
        (Settings(maximum_body_size=1), (413, 8)),
        (Settings(maximum_storage_size=1), (507, 19)),
    ):
        client = Client(replace(door.backend, settings=settings), door.folder)
        bootstrap.use_backend(client.backend)
        assert client.post("/uploads", {"Size": 1 << 20}).status == 200
        assert client.post("/uploads", {"Size": (1 << 20) + 1}).error == error


def test_an_upload_tells_what_became_of_it(door: Client) -> None:
    content = door.post("/instances", make_dicom()).json
    upload = begin(door)
    settle(door.backend, upload["ID"], refused(BadFileFormatError("The uploaded file is empty")))
    shown = door.get(upload["Path"]).json
    assert (shown["State"], shown["ErrorCode"]) == ("Failure", 15)
    assert shown["ErrorDetails"] == "The uploaded file is empty"
    for _ in range(2):
        settle(door.backend, upload["ID"], stored(content))
        shown = door.get(upload["Path"]).json
        assert (shown["State"], shown["Content"]) == ("Success", content)
        assert "ErrorCode" not in shown
        settle(door.backend, upload["ID"], refused(BadFileFormatError()))


def test_the_answers_to_a_large_archive_fit_into_the_record(door: Client) -> None:
    content = door.post("/instances", make_dicom()).json
    upload = begin(door)
    settle(door.backend, upload["ID"], stored([content] * 1001))
    record = door.backend.uploads.records.get(upload["ID"])
    assert record is not None
    assert record.outcome == Outcome(content=[content] * 1000)


def test_an_upload_that_nothing_comes_of_fails_an_hour_after_its_end(door: Client, clock: Clock) -> None:
    upload = begin(door)
    clock.advance(2 * HOUR - 1)
    assert door.get(upload["Path"]).json["State"] == "Pending"
    clock.advance(2)
    shown = door.get(upload["Path"]).json
    assert (shown["State"], shown["ErrorCode"]) == ("Failure", 16)
    settle(door.backend, upload["ID"], stored({**door.upload()}))  # it was on its way for longer
    assert door.get(upload["Path"]).json["State"] == "Success"
    clock.advance(30 * DAY)
    assert door.get(upload["Path"]).error == (404, 17)


def test_a_file_that_waits_to_be_taken_in_is_pending_for_as_long_as_it_does(
    aws_client: Client, clock: Clock
) -> None:
    aws_client.backend = replace(aws_client.backend, now=clock)
    bootstrap.use_backend(aws_client.backend)
    upload = begin(aws_client)
    aws_client.backend.objects.put(f"incoming/uploads/{upload['ID']}", b"DICOM")
    clock.advance(5 * DAY)
    assert aws_client.get(upload["Path"]).json["State"] == "Pending"
    assert aws_client.post(f"{upload['Path']}/renew").error == (400, 8)


class TakingIn(S3UploadDoor):
    """Has a file taken in by somebody else at the moment that it is asked for it."""

    def __init__(self, backend: Backend, content: dict[str, Any]) -> None:
        self._backend, self._content = backend, content

    def complete(self, upload: Upload) -> None:
        settle(self._backend, upload.id, stored(self._content))
        raise UnknownResourceError

    def holds(self, upload: Upload) -> bool:
        settle(self._backend, upload.id, stored(self._content))
        return False


@pytest.mark.parametrize("call", [("POST", "/complete"), ("GET", "")])
def test_an_upload_whose_file_is_taken_in_amid_a_call_is_a_success(
    aws_client: Client, clock: Clock, call: tuple[str, str]
) -> None:
    upload = begin(aws_client)
    backend = aws_client.backend
    door = TakingIn(backend, aws_client.upload())
    clock.advance(DAY)
    bootstrap.use_backend(replace(backend, now=clock, uploads=Uploads(backend.uploads.records, door)))
    method, path = call
    assert aws_client.call(method, f"{upload['Path']}{path}").json["State"] == "Success"


def test_an_upload_is_offered_for_longer_until_its_file_has_come(door: Client, clock: Clock) -> None:
    upload = begin(door)
    clock.advance(50 * 60)
    again = door.post(f"{upload['Path']}/renew", headers=HOST).json
    assert again["Expires"] > upload["Expires"]
    assert again["Url"].partition("?")[0] == upload["Url"].partition("?")[0]
    assert door.get(upload["Path"]).json["Expires"] == again["Expires"]
    settle(door.backend, upload["ID"], stored({**door.upload()}))
    assert door.post(f"{upload['Path']}/renew").error == (400, 8)


def test_an_upload_that_is_given_up_is_unknown(door: Client) -> None:
    for announced in ({"Size": 5}, {"Size": 11 << 20, "PartSize": 5 << 20}):
        upload = begin(door, **announced)
        assert door.delete(upload["Path"]).status == 200
        settle(door.backend, upload["ID"], refused(BadFileFormatError()))
        for method, path in (
            ("GET", ""),
            ("DELETE", ""),
            ("POST", "/complete"),
            ("POST", "/renew"),
        ):
            assert door.call(method, f"{upload['Path']}{path}").error == (404, 17)


def test_parts_that_were_not_sent_make_no_file(aws_client: Client) -> None:
    upload = begin(aws_client, Size=6 * GIB, PartSize=4 * GIB)
    assert aws_client.post(upload["Complete"]).error == (400, 8)
    assert aws_client.get(upload["Path"]).json["State"] == "Pending"


@pytest.mark.parametrize(
    ("headers", "beginning"),
    [
        ({"Host": "pacs.example.org:8042"}, "http://pacs.example.org:8042/uploads/"),
        ({"Host": "pacs.example.org", "X-Forwarded-Proto": "https"}, "https://pacs.example.org/uploads/"),
        ({"Host": "pacs.example.org", "X-Forwarded-Proto": "gopher"}, "http://pacs.example.org/uploads/"),
        ({}, "/uploads/"),
    ],
)
def test_the_address_is_what_the_client_calls_the_server(
    client: Client, headers: dict[str, str], beginning: str
) -> None:
    client.backend = replace(client.backend, hosts=frozenset({"pacs.example.org"}))
    bootstrap.use_backend(client.backend)
    url = client.post("/uploads", {"Size": 5}, headers=headers, requestContext={}).json["Url"]
    assert url.startswith(beginning)


def test_a_server_that_speaks_tls_says_so(make_client: Callable[..., Client]) -> None:
    client = make_client(ssl_enabled=True)
    answer = client.post("/uploads", {"Size": 5}, headers=HOST, requestContext={})
    assert answer.json["Url"].startswith("https://pacs.example.org/uploads/")
