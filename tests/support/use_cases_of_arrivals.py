"""What arrives in the bucket, in every way that leads to other calls of AWS."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Any

import boto3
import pytest
from moto.backends import get_backend

from dicomorph.aws.objects.parts import PART_BYTES
from dicomorph.model.settings import OverwriteInstances, Settings
from dicomorph.services.arrival import take
from dicomorph.services.arrival.take_archive import Portion
from dicomorph.services.uploads.begin import begin
from local.functions import Context
from tests.support.api_client import make_dicom
from tests.support.arrivals import object_created, sqs_event, zipped
from tests.support.recorded_stack import RecordedStack
from tests.support.template_values import ACCOUNT, REGION
from tests.support.use_cases import ALLOWING, patient, pixels
from tests.workflows import stack

_numbers = count()
_ALWAYS = Settings(overwrite_instances=OverwriteInstances.ALWAYS)
_IF_CHANGED = Settings(overwrite_instances=OverwriteInstances.IF_CHANGED)
_ANONYMIZING = Settings(arrival_rules={"": {"Anonymize": {}}})


def _bring(content: bytes, name: str = "") -> dict[str, Any]:
    key = f"incoming/{name or next(_numbers)}"
    version = boto3.client("s3").put_object(Bucket=stack.BUCKET, Key=key, Body=content)["VersionId"]
    return object_created(stack.BUCKET, key, version)


def _deliver(cloud: RecordedStack, *bodies: dict[str, Any], receives: int = 1) -> int:
    """Call the function; return how many messages are to come again."""
    answer = cloud.invoke("ingest", sqs_event(*bodies, receives=receives), Context())
    return len(answer["batchItemFailures"])


def _notes() -> list[dict[str, Any]]:
    """Take what waits in the queue, whatever its delay."""
    messages = get_backend("sqs")[ACCOUNT][REGION].queues["ArrivalQueue"]._messages
    found = [json.loads(message.body) for message in messages]
    messages.clear()
    return found


def store(cloud: RecordedStack) -> None:
    """New, arrived again, another under the same identifiers, not DICOM, gone, overwritten, changed."""
    name = patient()
    created = _bring(make_dicom(name))
    assert _deliver(cloud, created, created) == 0
    other = make_dicom(name, PatientName="Roe")
    assert _deliver(cloud, _bring(make_dicom(name)), _bring(other), _bring(b"nothing")) == 0
    for settings in (_ALWAYS, _IF_CHANGED):
        with cloud.changed(settings=settings):
            assert (
                _deliver(cloud, _bring(make_dicom(name, PatientName=settings.overwrite_instances.value))) == 0
            )
    cloud.lose("instances/")
    assert _deliver(cloud, _bring(make_dicom(name))) == 0


def store_large(cloud: RecordedStack) -> None:
    """More than one part; of good files and bad ones, and cut short."""
    for cut in (None, -1):
        content = make_dicom(patient(), **pixels(PART_BYTES))[:cut]
        assert _deliver(cloud, _bring(content)) == 0
        with cloud.broken("CompleteMultipartUpload"):
            assert _deliver(cloud, _bring(make_dicom(patient(), **pixels(PART_BYTES))[:cut])) == 0
        assert len(_notes()) == 1


def change(cloud: RecordedStack) -> None:
    """Under a rule, whose secret is made and read again."""
    with cloud.changed(settings=_ANONYMIZING):
        for _ in range(2):
            assert _deliver(cloud, _bring(make_dicom(patient()))) == 0
    for name in ("rows", "research-images"):
        rule: dict[str, Any] = {"Anonymize": {"DicomVersion": "2026d", "Profile": {"AllowList": name}}}
        with cloud.changed(settings=replace(ALLOWING, arrival_rules={"": rule})):
            assert _deliver(cloud, _bring(make_dicom(patient()))) == 0


def work_off(cloud: RecordedStack) -> None:
    """An archive, in two portions."""
    images = {str(number): make_dicom(patient(), 1, 1, number) for number in range(2)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(take, "Portion", partial(Portion, size=1))
        assert _deliver(cloud, _bring(zipped(images))) == 0
        [note] = _notes()
        assert _deliver(cloud, note, note) == 0
        assert _notes() == []


def put_off(cloud: RecordedStack) -> None:
    """While the index is away, and after a crash; then in vain, then not."""
    with cloud.broken("GetItem"):
        assert _deliver(cloud, _bring(make_dicom(patient()))) == 0
        [note] = _notes()
        assert _deliver(cloud, note) == 1
    assert _deliver(cloud, note) == 0
    assert _deliver(cloud, _bring(make_dicom(patient())), receives=2) == 0
    [note] = _notes()
    assert _deliver(cloud, note) == 0


def settle(cloud: RecordedStack) -> None:
    """What a client of the API sends."""
    body = {"Size": len(make_dicom())}
    upload = begin(cloud.backend, body, address="")
    assert _deliver(cloud, _bring(make_dicom(patient()), f"uploads/{upload['ID']}")) == 0


def watch(cloud: RecordedStack) -> None:
    """By schedule."""
    assert cloud.invoke("ingest", {"detail-type": "Scheduled Event"}, Context()) == {}


USE_CASES_OF_ARRIVALS = (store, store_large, change, work_off, put_off, settle, watch)
