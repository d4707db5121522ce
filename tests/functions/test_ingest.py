"""What arrives in the bucket, from S3's event to the index; what fails, and what is told of it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from dicomorph import bootstrap
from dicomorph.aws.objects.store import S3Store
from dicomorph.model.errors import TransientError
from local.functions import Context
from tests.support.api_client import make_dicom
from tests.support.arrival_trigger import BUCKET, Trigger, arrival_trigger
from tests.support.arrivals import object_created, sqs_event, zipped

EVENTS = Path(__file__).parents[2] / "events"
RULES = json.dumps({"ct/": {"Anonymize": {}}})
SECRET = "Doe^Jane"


@pytest.fixture
def trigger(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trigger]:
    with arrival_trigger(monkeypatch, ARRIVAL_RULES=RULES) as found:
        yield found


def _keys(trigger: Trigger, prefix: str = "") -> list[str]:
    return [
        one["Key"] for one in trigger.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    ]


def _instances() -> int:
    return bootstrap.get_backend().index.catalogue.statistics().instances


def test_an_object_gets_from_the_bucket_into_the_index_and_goes(trigger: Trigger) -> None:
    for name, content in (("ct/1", make_dicom()), ("mr/1", make_dicom()), ("ct/bad", b"bad")):
        trigger.put(f"{name}{SECRET}", content)
    assert len(trigger.waiting()) == 3
    trigger.pump()
    assert _instances() == 2
    assert len(_keys(trigger, "rejected/")) == 2
    assert trigger.s3.list_object_versions(Bucket=BUCKET, Prefix="incoming/").get("Versions", []) == []
    assert trigger.waiting("DeadArrivalQueue") == []


def test_nothing_of_the_object_but_its_content_goes_anywhere(trigger: Trigger) -> None:
    trigger.put(f"ct/{SECRET}", make_dicom())
    trigger.put(f"ct/{SECRET}2", b"bad")
    trigger.pump()
    for key in _keys(trigger):
        assert "Doe" not in key
        assert trigger.s3.head_object(Bucket=BUCKET, Key=key)["Metadata"] == {}
        assert trigger.s3.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"] == []


def test_what_consoles_make_for_folders_stays(trigger: Trigger) -> None:
    trigger.put("ct/", b"")
    trigger.pump()
    assert _keys(trigger) == ["incoming/ct/"]


def test_objects_elsewhere_are_told_to_nobody(trigger: Trigger) -> None:
    trigger.s3.put_object(Bucket=BUCKET, Key="instances/x", Body=b"x")
    trigger.s3.put_object(Bucket=BUCKET, Key="incoming", Body=b"x")
    assert trigger.waiting() == []


def test_an_overwritten_object_is_taken_too_whichever_event_comes_first(trigger: Trigger) -> None:
    trigger.put("1", make_dicom(instance=1))
    trigger.put("1", make_dicom(instance=2))
    for body in reversed(trigger.waiting()):
        trigger.tell(body)
    trigger.pump()
    assert _instances() == 2
    assert _keys(trigger, "incoming/") == []


def test_an_archive_is_worked_off_in_messages_that_name_nothing(
    trigger: Trigger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dicomorph.services.arrival.take_archive.Portion.is_spent", True)
    trigger.put(f"ct/{SECRET}.zip", zipped({f"{SECRET}{n}": make_dicom(instance=n) for n in range(4)}))
    trigger.pump(rounds=1)
    [body] = trigger.waiting()
    assert json.loads(body).keys() == {"Note", "Cursor"}
    for _ in range(2):  # SQS delivers some messages twice
        trigger.tell(body)
    trigger.pump()
    assert _instances() == 4
    assert _keys(trigger, "incoming/") == _keys(trigger, "arrivals/") == []


def test_an_object_that_came_in_parts_is_one_file(trigger: Trigger) -> None:
    content = make_dicom(PixelData=bytes(5 << 20), BitsAllocated=8)
    upload = trigger.s3.create_multipart_upload(Bucket=BUCKET, Key="incoming/1", Metadata={"patient": "Doe"})
    target: Any = {"Bucket": BUCKET, "Key": "incoming/1", "UploadId": upload["UploadId"]}
    parts: list[Any] = []
    for number, start in enumerate(range(0, len(content), 5 << 20), 1):
        part = trigger.s3.upload_part(**target, PartNumber=number, Body=content[start : start + (5 << 20)])
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    done = trigger.s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})
    # moto tells of it too early, when there is no object yet.
    trigger.function(sqs_event(object_created(BUCKET, "incoming/1", done["VersionId"])), Context())
    [key] = _keys(trigger, "instances/")
    assert trigger.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == content
    assert _keys(trigger, "incoming/") == []


# ------------------------------------------------------------------------------- failures


def _break(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise TransientError("Object store: SlowDown")

    monkeypatch.setattr(S3Store, "put_script", refuse)


def test_what_fails_five_times_is_a_dead_letter_that_is_a_number(
    trigger: Trigger, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with monkeypatch.context() as patch:
        _break(patch)
        trigger.put(f"ct/{SECRET}", make_dicom())
        calls = trigger.pump()
    assert calls == 6  # one for the event, five for the note in its place
    [letter] = trigger.waiting("DeadArrivalQueue")
    assert json.loads(letter).keys() == {"Note", "Cursor"}
    assert "Doe" not in letter
    assert "Doe" not in caplog.text
    assert len(_keys(trigger, "incoming/")) == 1
    # Back in the queue, as a replay moves it, once the reason is gone.
    trigger.tell(letter)
    trigger.pump()
    assert _instances() == 1
    assert _keys(trigger, "incoming/") == _keys(trigger, "arrivals/") == []


def test_the_event_of_a_crash_is_exchanged_for_a_number_before_anything_else(trigger: Trigger) -> None:
    version = trigger.put(f"ct/{SECRET}", make_dicom())
    created = object_created(BUCKET, f"incoming/ct/{SECRET}", version)
    trigger.function(sqs_event(created, receives=2), Context())
    note = json.loads(trigger.waiting()[-1])
    assert note.keys() == {"Note", "Cursor"}
    assert len(_keys(trigger, "incoming/")) == 1
    trigger.pump()
    assert _instances() == 1


def test_rules_that_mean_nothing_let_files_wait_and_none_pass(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with arrival_trigger(monkeypatch, ARRIVAL_RULES='{"ct/": {"Anonymise": {}}}') as trigger:
        trigger.put(f"ct/{SECRET}", make_dicom())
        trigger.pump()
        assert "Setting ArrivalRules: 'ct/'" in caplog.text
        assert [json.loads(letter).keys() for letter in trigger.waiting("DeadArrivalQueue")] == [
            {"Note", "Cursor"}
        ]
        assert _keys(trigger, "instances/") == []
        assert len(_keys(trigger, "incoming/")) == 1


def test_rules_stand_in_one_place(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    settings = json.dumps({"ArrivalRules": {"mr/": {"Anonymize": {}}}})
    with arrival_trigger(monkeypatch, ARRIVAL_RULES=RULES, SETTINGS=settings) as trigger:
        trigger.put("ct/1", make_dicom())
        trigger.pump()
        assert "ArrivalRules stand in the settings and in the parameter" in caplog.text
        assert _keys(trigger, "instances/") == []


def test_of_a_batch_only_what_failed_comes_again(trigger: Trigger) -> None:
    version = trigger.put("1", make_dicom())
    good = object_created(BUCKET, "incoming/1", version)
    answer = trigger.function(sqs_event({"strange": 1}, good, {"Note": "gone", "Cursor": 0}), Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    assert _instances() == 1


def test_what_there_is_no_time_for_is_given_back_but_for_the_first(trigger: Trigger) -> None:
    bodies = [
        object_created(BUCKET, f"incoming/{n}", trigger.put(str(n), make_dicom(instance=n))) for n in range(3)
    ]
    answer = trigger.function(sqs_event(*bodies), Context(lambda: 100.0))
    assert [failure["itemIdentifier"] for failure in answer["batchItemFailures"]] == ["1", "2"]
    assert _instances() == 1


def test_a_failure_of_the_queue_itself_leaves_the_event_in_it(
    trigger: Trigger, monkeypatch: pytest.MonkeyPatch
) -> None:
    _break(monkeypatch)
    created = object_created(BUCKET, "incoming/1", trigger.put("1", make_dicom()))
    queue = bootstrap.get_ingestion()._queue._client

    def refuse(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://sqs")

    monkeypatch.setattr(queue, "send_message", refuse)
    answer = trigger.function(sqs_event(created), Context())
    assert answer == {"batchItemFailures": [{"itemIdentifier": "0"}]}


# ------------------------------------------------------------------------- examples, watching


def test_the_example_event_is_understood(trigger: Trigger) -> None:
    event = json.loads((EVENTS / "sqs/arrivals.json").read_text(encoding="utf-8"))
    created = json.loads(event["Records"][0]["body"])
    assert created == json.loads((EVENTS / "s3/object_created.json").read_text(encoding="utf-8"))
    assert trigger.function(event, Context()) == {"batchItemFailures": []}  # of an object that is gone


def test_the_schedule_tells_how_long_files_have_waited(
    trigger: Trigger, capsys: pytest.CaptureFixture[str]
) -> None:
    event = json.loads((EVENTS / "schedule/ingest.json").read_text(encoding="utf-8"))
    for expected in (0, 1):
        assert trigger.function(event, Context()) == {}
        told = json.loads(capsys.readouterr().out)
        [directive] = told["_aws"]["CloudWatchMetrics"]
        assert (directive["Namespace"], directive["Dimensions"]) == ("Dicomorph", [["FunctionName"]])
        assert {metric["Name"] for metric in directive["Metrics"]} == {"OldestArrival", "Arrivals"}
        assert (told["FunctionName"], told["Arrivals"]) == ("ingest", expected)
        assert 0 <= told["OldestArrival"] < 3600
        trigger.put(f"ct/{SECRET}", b"x")
        trigger.put("ct/", b"")
