"""What takes long, or takes away: undoing a deletion, and the removal of the stack."""

from __future__ import annotations

import contextlib
import time
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from botocore.exceptions import ClientError

from tools.smoke.calls import ok, upload
from tools.smoke.steps import Run, expect, step

_PAUSE = 15.0
_PATIENCE = 3600.0


@step("deletions are finished")
def deletions_are_finished(run: Run) -> str:
    """Delete the large study: whether the call does it all or not, nothing is left of it minutes later."""
    stack, instance = run.deployed, run.held["many"]["ID"]
    rule = stack.client("events").describe_rule(Name=stack.resources["EraseSchedule"])
    expect(rule["State"] == "ENABLED", "nothing finishes deletions that were cut short")
    study = ok(run.client.get(f"/instances/{instance}/study")).json["ID"]
    status = run.client.call("DELETE", f"/studies/{study}").status
    expect(status in (HTTPStatus.OK, HTTPStatus.GATEWAY_TIMEOUT), f"it is answered {status}")
    began = time.monotonic()
    _until(lambda: not stack.stored(f"erasures/Study-{study}/"), "the deletion is not finished")
    ok(run.client.get(f"/studies/{study}"), HTTPStatus.NOT_FOUND)
    expect(not stack.stored(f"instances/{instance[:2]}/{instance}/"), "a file is left")
    return f"answered {status}, finished {time.monotonic() - began:.0f} s later"


@step("restore", is_asked_for=True)
def restore(run: Run) -> str:
    """Bring a deleted study back, from the table as it was before."""
    stack = run.deployed
    content = run.make.image("R")
    found = upload(run, content)
    dynamodb, table = stack.client("dynamodb"), stack.outputs["IndexTableName"]
    moment = datetime.now(UTC)
    _until(lambda: _restorable(dynamodb, table) > moment, "point-in-time recovery does not reach the upload")
    ok(run.client.call("DELETE", f"/studies/{found['ParentStudy']}"))
    restored = f"{table}-smoke-{run.make.token}"
    dynamodb.restore_table_to_point_in_time(
        SourceTableName=table, TargetTableName=restored, RestoreDateTime=_restorable(dynamodb, table)
    )
    try:
        _until(lambda: _status(dynamodb, restored) == "ACTIVE", "the table was not restored")
        count = _copy_back(dynamodb, restored, table, found)
    finally:
        dynamodb.delete_table(TableName=restored)
    expect(ok(run.client.get(f"/instances/{found['ID']}/file")).body == content, "the file is not back")
    ok(run.client.call("DELETE", f"/studies/{found['ParentStudy']}"))
    return f"{count} items copied back, the file readable at its version"


def _restorable(dynamodb: Any, table: str) -> datetime:
    told = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    moment: datetime = told["PointInTimeRecoveryDescription"]["LatestRestorableDateTime"]
    return moment


def _copy_back(dynamodb: Any, restored: str, table: str, found: dict[str, Any]) -> int:
    """Copy what belongs to the study, and nothing else: others may write meanwhile."""
    names = {found[key] for key in ("ID", "ParentSeries", "ParentStudy", "ParentPatient")}
    count = 0
    for page in dynamodb.get_paginator("scan").paginate(TableName=restored, ConsistentRead=True):
        for item in page["Items"]:
            if item["PK"]["S"].partition("#")[2].partition("#")[0] in names:
                dynamodb.put_item(TableName=table, Item=item)
                count += 1
    return count


@step("removal", is_asked_for=True)
def removal(run: Run) -> str:
    """Remove the stack, and then all that it leaves behind: of a stack for tests."""
    stack = run.deployed
    cloud = stack.client("cloudformation")
    if cloud.describe_stacks(StackName=stack.name)["Stacks"][0].get("EnableTerminationProtection"):
        cloud.update_termination_protection(StackName=stack.name, EnableTerminationProtection=False)
    cloud.delete_stack(StackName=stack.name)
    _until(
        lambda: stack.status in ("", "DELETE_COMPLETE", "DELETE_FAILED"), "the stack is still being deleted"
    )
    expect(stack.status != "DELETE_FAILED", "the stack could not be deleted")
    bucket, table = stack.outputs["DicomBucketName"], stack.outputs["IndexTableName"]
    _remove_bucket(stack.client("s3"), bucket)
    dynamodb = stack.client("dynamodb")
    with contextlib.suppress(dynamodb.exceptions.ResourceNotFoundException):
        dynamodb.update_table(TableName=table, DeletionProtectionEnabled=False)
        _until(lambda: _status(dynamodb, table) == "ACTIVE", "the table is not ready")
        dynamodb.delete_table(TableName=table)
    if "DataKey" in stack.resources:  # a key of the operator's own is not this stack's to delete
        stack.client("kms").schedule_key_deletion(KeyId=stack.outputs["DataKeyArn"], PendingWindowInDays=7)
    left = [
        name for name in stack.outputs["LogGroupNames"].split(",") if _log_group(stack.client("logs"), name)
    ]
    expect(not left, f"log groups are left: {left}")
    return "the stack, bucket, table; the key in 7 days; API Gateway's role for logs stays"


def _remove_bucket(s3: Any, bucket: str) -> None:
    """Delete every version of everything in a bucket, and the bucket."""
    try:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
            versions = [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
            if versions:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": versions, "Quiet": True})
        s3.delete_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise


def _status(dynamodb: Any, table: str) -> str:
    return str(dynamodb.describe_table(TableName=table)["Table"]["TableStatus"])


def _log_group(logs: Any, name: str) -> bool:
    found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return any(group["logGroupName"] == name for group in found)


def _until(is_so: Any, told: str) -> None:
    until = time.monotonic() + _PATIENCE
    while not is_so():
        expect(time.monotonic() < until, told)
        time.sleep(_PAUSE)
