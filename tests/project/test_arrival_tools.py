"""The commands of operators for what arrives: rules that are checked before, dead letters that go back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from dicomorph import bootstrap
from local.template import read_template
from tests.support.api_client import make_dicom
from tests.support.arrival_trigger import BUCKET, Trigger, arrival_trigger
from tools import check_rules, replay

OUTPUTS = {
    "ArrivalQueueArn": "arn:aws:sqs:eu-central-1:123456789012:ArrivalQueue",
    "DeadArrivalQueueArn": "arn:aws:sqs:eu-central-1:123456789012:DeadArrivalQueue",
    "DicomBucketName": BUCKET,
}


@pytest.fixture
def trigger(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trigger]:
    with arrival_trigger(monkeypatch) as found:
        yield found


def test_files_whose_messages_were_lost_are_told_of_again_and_taken(trigger: Trigger) -> None:
    for number in range(12):
        trigger.put(str(number), make_dicom(instance=number))
    trigger.put("0", make_dicom(instance=20))
    trigger.put("folder/", b"")
    trigger.queue("ArrivalQueue")._messages.clear()
    assert replay.tell_all(OUTPUTS) == 12
    trigger.pump()
    assert bootstrap.get_backend().index.catalogue.statistics().instances == 12


def test_dead_letters_are_asked_back_in_a_form_that_sqs_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    # moto moves nothing back: only the form of the request is shown, by SQS's own model.
    client = boto3.client("sqs")
    with Stubber(client) as sqs:
        sqs.add_response(
            "start_message_move_task",
            {"TaskHandle": "1"},
            {"SourceArn": OUTPUTS["DeadArrivalQueueArn"], "DestinationArn": OUTPUTS["ArrivalQueueArn"]},
        )
        monkeypatch.setattr(boto3, "client", lambda _: client)
        replay.redrive(OUTPUTS)
        sqs.assert_no_pending_responses()
    client.close()


def test_the_outputs_that_a_replay_asks_for_are_those_of_the_template() -> None:
    assert read_template()["Outputs"].keys() >= OUTPUTS.keys()


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"ct/": {"Anonymize": {}}, "": {"Store": {}}}, "2 rules"),
        ({"Targets": {"out": "bucket"}, "ArrivalRules": {"": {"Anonymize": {}, "To": "out"}}}, "1 rules"),
    ],
)
def test_rules_that_mean_something_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], document: Any, told: str
) -> None:
    (tmp_path / "rules.json").write_text(json.dumps(document))
    check_rules.main([str(tmp_path / "rules.json")])
    assert told in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('{"ct/": {"Anonymise": {}}}', "'ct/': exactly one of"),
        ('{"ct/": {"Anonymize": {}, "To": "out"}}', "'To' must be one of"),
        ("{", "rules.json"),
    ],
)
def test_rules_that_mean_nothing_end_the_command_with_what_is_wrong(
    tmp_path: Path, text: str, told: str
) -> None:
    (tmp_path / "rules.json").write_text(text)
    with pytest.raises(SystemExit, match=told):
        check_rules.main([str(tmp_path / "rules.json")])
