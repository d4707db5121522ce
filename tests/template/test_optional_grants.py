"""What parameters grant beside the rest: enough for what they are for, and nothing else."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import boto3
import pytest

from dicomorph.aws.objects.parts import PART_BYTES
from dicomorph.dicom.stream.edit_script import EditScript
from dicomorph.dicom.stream.source import BufferSource
from local.template import read_template
from tests.support.call_recorder import CallRecorder
from tests.support.grant_comparison import missing_grants
from tests.support.granted_actions import Need, Statement, is_allowed, read_statements
from tests.support.quick_moto import quick_aws
from tests.support.recorded_stack import NAMES, customer_keys, recorded_backend, variables_of
from tests.support.template_rules import FUNCTION, of_type
from tests.support.template_values import ACCOUNT, REGION, TemplateValues, with_parameters
from tests.workflows import stack

TEMPLATE = read_template()
FUNCTIONS = of_type(TEMPLATE, FUNCTION)
KEY = f"arn:aws:kms:{REGION}:{ACCOUNT}:key/"


def _statements(**parameters: Any) -> dict[str, list[Statement]]:
    template = with_parameters(TEMPLATE, **parameters)
    return read_statements(template, TemplateValues(template, NAMES))


def _added(**parameters: Any) -> dict[str, list[Statement]]:
    """Return the statements that are there with parameters, and not without them."""
    plain = _statements()
    found = _statements(**parameters)
    return {
        name: [statement for statement in granted if statement not in plain[name]]
        for name, granted in found.items()
        if any(statement not in plain[name] for statement in granted)
    }


@contextmanager
def _buckets(*names: str) -> Iterator[Any]:
    with quick_aws():
        client = boto3.client("s3", REGION)
        for name in names:
            client.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
            client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        yield client


def _recorder(values: TemplateValues, **keys: str) -> CallRecorder:
    return CallRecorder({**customer_keys(TEMPLATE, values), **keys})


def _all_used(statements: Mapping[str, list[Statement]], needs: Mapping[str, set[Need]]) -> bool:
    return all(
        any(replace(statement, actions=(action,)).covers(need) for need in needs[principal])
        for principal, granted in statements.items()
        for statement in granted
        for action in statement.actions
    )


# --------------------------------------------------------------------- settings


def test_every_function_with_a_backend_reads_settings_of_the_bucket_and_nothing_else_of_it() -> None:
    with _buckets(stack.BUCKET) as client:
        private = {f"0009,10{n:02x}": ["LO", f"Name{n}", 1, 1, "X" * 60] for n in range(100)}
        body = json.dumps({"StableAge": 7, "Dictionary": private}).encode()
        assert len(body) > 4096
        key = "settings/settings.json"
        version = client.put_object(Bucket=stack.BUCKET, Key=key, Body=body)["VersionId"]
        client.put_object(Bucket=stack.BUCKET, Key=key, Body=b"the next ones, which nobody has deployed yet")
        template = with_parameters(TEMPLATE, SettingsVersion=version, Settings='{"StableAge": 1}')
        values = TemplateValues(template, NAMES)
        recorder = _recorder(values)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_DEFAULT_REGION", REGION)
            for name in FUNCTIONS.keys() - {"UnmatchedFunction"}:
                backend = recorded_backend(name, variables_of(template, FUNCTIONS[name], values), recorder)
                assert (backend.settings.stable_age, len(backend.settings.dictionary)) == (7, 100)
    assert missing_grants(recorder.needs, read_statements(template, values)) == set()
    added = _added(SettingsVersion=version)
    assert added.keys() == FUNCTIONS.keys() - {"UnmatchedFunction"}
    assert _all_used(added, recorder.needs)
    assert {
        resource for found in added.values() for statement in found for resource in statement.resources
    } == {
        f"arn:aws:s3:::{stack.BUCKET}/settings/settings.json",
        values.arn("DataKey"),
    }


# ---------------------------------------------------------------------- targets


EDITING = ("EditBatchFunction", "IngestFunction")
PLACES = {"research": "research/incoming", "sealed": "sealed"}
TARGETS = {"TargetObjectArns": "arn:aws:s3:::research/incoming/*,arn:aws:s3:::sealed/*"}


def _export() -> dict[str, set[Need]]:
    """Write a small and a large product to two targets, one of which has a key of its own."""
    with _buckets(stack.BUCKET, *PLACES), pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        values = TemplateValues(TEMPLATE, NAMES)
        recorder = _recorder(values, sealed=f"{KEY}theirs", research="")
        for function in EDITING:
            variables = variables_of(TEMPLATE, FUNCTIONS[function], values)
            variables |= {"SETTINGS": json.dumps({"Targets": PLACES})}
            targets = recorded_backend(function, variables, recorder).targets
            for target, size in itertools.product(targets.values(), (10, PART_BYTES + 10)):
                script = EditScript.of([bytes(size)])
                target.store.put_script(f"{target.prefix}p/{size}.dcm", BufferSource(b""), script)
    return _of_accounts(recorder.needs, ACCOUNT)


def _of_accounts(needs: Mapping[str, set[Need]], account: str) -> dict[str, set[Need]]:
    """Return needs on objects with the account that their bucket belongs to."""
    context = (("s3:ResourceAccount", (account,)),)
    return {
        principal: {replace(n, context=context) if n.action.startswith("s3:") else n for n in found}
        for principal, found in needs.items()
    }


def test_a_target_with_a_key_of_its_own_is_written_with_it() -> None:
    needs = _export()
    assert {need.action for need in needs["EditBatchFunction"]} >= {"kms:GenerateDataKey", "kms:Decrypt"}
    without = missing_grants(needs, _statements(**TARGETS))
    assert {(need.action, need.place) for need in without} == {
        ("kms:GenerateDataKey", "key, for s3"),
        ("kms:Decrypt", "key, for s3"),
    }
    parameters = {**TARGETS, "TargetKeyArns": f"{KEY}theirs"}
    assert missing_grants(needs, _statements(**parameters)) == set()
    added = _added(**parameters)
    assert added.keys() == set(EDITING)
    aborted = Need("s3:AbortMultipartUpload", "arn:aws:s3:::sealed/x", (("s3:ResourceAccount", (ACCOUNT,)),))
    assert _all_used(added, {name: {*needs[name], aborted} for name in EDITING})


@pytest.mark.parametrize(
    ("given", "account", "is_written"),
    [("", ACCOUNT, True), ("", "999999999999", False), ("999999999999", "999999999999", True),
     ("111111111111,999999999999", "111111111111", True), ("999999999999", ACCOUNT, False)],
)  # fmt: skip
def test_a_target_is_written_where_its_bucket_belongs_to_an_account_that_was_named(
    given: str,
    account: str,
    is_written: bool,  # noqa: FBT001
) -> None:
    statements = _statements(**TARGETS, TargetAccountIds=given)["EditBatchFunction"]
    need = Need("s3:PutObject", "arn:aws:s3:::research/incoming/x", (("s3:ResourceAccount", (account,)),))
    assert is_allowed(statements, need) is is_written


# ------------------------------------------------------------------ former keys


def test_what_was_stored_with_former_keys_stays_readable_by_all_who_read_and_is_not_written_with_them() -> (
    None
):
    former = [f"{KEY}first", f"{KEY}second"]
    statements = _statements(KmsKeyArn=f"{KEY}third", FormerKeyArns=",".join(former))
    readers = {
        name for name, found in _statements().items() if any("kms:Decrypt" in s.actions for s in found)
    }
    assert len(readers) == len(FUNCTIONS)  # all functions but one, and the workflow
    for name in readers:
        for service in ("s3", "dynamodb"):
            context = (("kms:ViaService", (f"{service}.{REGION}.amazonaws.com",)),)
            may = is_allowed(_statements()[name], Need("kms:Decrypt", _key_of_the_stack(), context))
            for key in former:
                assert may <= is_allowed(statements[name], Need("kms:Decrypt", key, context)), name
                assert not is_allowed(statements[name], Need("kms:GenerateDataKey", key, context))
    assert "UnmatchedFunction" not in readers


# ------------------------------------------------------------------------ VPC


def test_lambda_alone_makes_network_interfaces_for_functions_in_subnets() -> None:
    added = _added(SubnetIds="subnet-1,subnet-2", SecurityGroupIds="sg-1")
    assert added.keys() == FUNCTIONS.keys()
    for found in added.values():
        (statement,) = found
        assert len(statement.actions) == 6
        assert all(action.startswith("ec2:") for action in statement.actions)
        by_lambda = Need("ec2:CreateNetworkInterface", "*")
        by_function = replace(by_lambda, context=(("lambda:SourceFunctionArn", ("arn",)),))
        assert (statement.covers(by_lambda), statement.covers(by_function)) == (True, False)


def _key_of_the_stack() -> str:
    return TemplateValues(TEMPLATE, NAMES).arn("DataKey")


# ----------------------------------------------------------------- access trail


def test_functions_of_the_api_write_to_the_access_trail_and_do_nothing_else_with_it() -> None:
    template = with_parameters(TEMPLATE, AccessTrail="true")
    values = TemplateValues(template, NAMES)
    recorder = _recorder(values)
    with quick_aws(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_DEFAULT_REGION", REGION)
        writers = {}
        for name in FUNCTIONS:
            backend = recorded_backend(name, variables_of(template, FUNCTIONS[name], values), recorder)
            if backend.trail is not None:
                writers[name] = backend.trail
        group = values.of({"Ref": "AccessTrailLogGroup"})
        boto3.client("logs").create_log_group(logGroupName=group)
        for trail in writers.values():
            trail.write(["{}"])
    added = _added(AccessTrail="true")
    assert added.keys() == writers.keys()
    assert FUNCTIONS.keys() - writers.keys() == {
        f"{name}Function" for name in ("Unmatched", "PlanJob", "EditBatch", "FinalizeJob", "Erase", "Sweep")
    }
    assert missing_grants(recorder.needs, _statements(AccessTrail="true")) == set()
    assert _all_used(added, recorder.needs)


def test_the_access_trail_is_kept_when_the_stack_goes() -> None:
    group = TEMPLATE["Resources"]["AccessTrailLogGroup"]
    assert (group["DeletionPolicy"], group["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")
    values = TemplateValues(with_parameters(TEMPLATE, AccessTrailKeyArn=f"{KEY}theirs"), NAMES)
    assert values.of(group["Properties"]) == {"RetentionInDays": 2192, "KmsKeyId": f"{KEY}theirs"}
