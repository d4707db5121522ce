"""The reader of policies, and its answers in IAM's place."""

from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.support.call_recorder import CallRecorder, call_needs
from tests.support.granted_actions import Need, Statement, is_allowed, read_statements
from tests.support.places import places
from tests.support.template_values import NotReadableError, TemplateValues

TABLE = "arn:aws:dynamodb:eu-central-1:123456789012:table/Index"
LEADING_KEYS = "dynamodb:LeadingKeys"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/Key"


def _statement(**values: Any) -> Statement:
    given = {
        "sid": "A",
        "effect": "Allow",
        "actions": ("s3:GetObject",),
        "resources": ("arn:aws:s3:::b/a/*",),
    }
    return Statement(**{**given, **values})


def _reading(key: str = "a/1", action: str = "s3:GetObject") -> Need:
    return Need(action, f"arn:aws:s3:::b/{key}")


# -------------------------------------------------------------------------- IAM


@pytest.mark.parametrize(
    ("statement", "need", "allowed"),
    [
        (_statement(), _reading(), True),
        (_statement(actions=("S3:getobject",)), _reading(), True),
        (_statement(actions=("s3:Get*",)), _reading(), True),
        (_statement(), _reading("b/1"), False),
        (_statement(), _reading(action="s3:GetObjectVersion"), False),
        (_statement(resources=("arn:aws:s3:::b/?/1",)), _reading(), True),
        (_statement(resources=("arn:aws:s3:::b/?/1",)), _reading("aa/1"), False),
        (_statement(effect="Deny"), _reading(), False),
    ],
)
def test_a_statement_speaks_of_actions_on_resources(statement: Statement, need: Need, allowed: bool) -> None:  # noqa: FBT001
    assert is_allowed([statement], need) is allowed


def test_a_refusal_outweighs_a_permission() -> None:
    assert not is_allowed([_statement(), _statement(effect="Deny", resources=("*",))], _reading())


@pytest.mark.parametrize(
    ("keys", "allowed"),
    [(("Job#1",), True), (("Job#1", "Jobs"), True), (("Job#1", "Study#1"), False), (("Study#1",), False)],
)
def test_all_values_have_to_match_one_statement(keys: tuple[str, ...], allowed: bool) -> None:  # noqa: FBT001
    condition = {"ForAllValues:StringLike": {LEADING_KEYS: ["Jobs", "Job#*"]}}
    statement = _statement(actions=("dynamodb:BatchGetItem",), resources=(TABLE,), condition=condition)
    other = _statement(
        actions=("dynamodb:BatchGetItem",),
        resources=(TABLE,),
        condition={"ForAllValues:StringLike": {LEADING_KEYS: ["Patient#*"]}},
    )
    need = Need("dynamodb:BatchGetItem", TABLE, ((LEADING_KEYS, keys),))
    assert is_allowed([statement, other], need) is allowed


def test_a_condition_on_what_a_request_does_not_say_does_not_hold() -> None:
    condition = {"StringLike": {"s3:prefix": "jobs/*"}}
    statement = _statement(actions=("s3:ListBucket",), resources=("arn:aws:s3:::b",), condition=condition)
    assert not is_allowed([statement], Need("s3:ListBucket", "arn:aws:s3:::b"))
    assert is_allowed([statement], Need("s3:ListBucket", "arn:aws:s3:::b", (("s3:prefix", ("jobs/1/",)),)))


def test_an_unknown_condition_is_not_guessed() -> None:
    with pytest.raises(NotReadableError, match="DateLessThan"):
        is_allowed([_statement(condition={"DateLessThan": {"aws:CurrentTime": "x"}})], _reading())


# --------------------------------------------------------------------- template


def _template(**resources: Any) -> dict[str, Any]:
    function = {"Type": "AWS::Serverless::Function", "Properties": {"Role": {"Fn::GetAtt": ["R", "Arn"]}}}
    return {"Resources": {"F": function, "R": {"Type": "AWS::IAM::Role", "Properties": {}}, **resources}}


def _policy(sid: str) -> dict[str, Any]:
    return {"Statement": {"Sid": sid, "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}}


def test_statements_are_found_wherever_they_stand() -> None:
    template = _template(P={"Type": "AWS::IAM::Policy", "Properties": {"Roles": [{"Ref": "R"}]}})
    template["Resources"]["F"]["Properties"]["Policies"] = [_policy("InFunction")]
    template["Resources"]["R"]["Properties"]["Policies"] = [{"PolicyDocument": _policy("InRole")}]
    template["Resources"]["P"]["Properties"]["PolicyDocument"] = _policy("Beside")
    found = read_statements(template, TemplateValues(template, {}))
    assert [statement.sid for statement in found["F"]] == ["InFunction", "InRole", "Beside"]


@pytest.mark.parametrize(
    ("resource", "properties"),
    [
        ("F", {}),
        ("R", {"ManagedPolicyArns": ["arn:aws:iam::aws:policy/AdministratorAccess"]}),
        ("F", {"Role": {"Fn::GetAtt": ["R", "Arn"]}, "Policies": [{"Statement": {"NotAction": "s3:*"}}]}),
    ],
)
def test_what_is_granted_in_other_ways_is_refused(resource: str, properties: dict[str, Any]) -> None:
    template = _template()
    template["Resources"][resource]["Properties"] = properties
    with pytest.raises(NotReadableError):
        read_statements(template, TemplateValues(template, {}))


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ({"Ref": "Bucket"}, "b"),
        ({"Ref": "Days"}, 7),
        ({"Fn::GetAtt": ["Bucket", "Arn"]}, "arn:aws:s3:::b"),
        ({"Fn::Sub": "${Bucket.Arn}/${AWS::Region}/${!kept}"}, "arn:aws:s3:::b/eu-central-1/${kept}"),
        ({"Fn::Sub": ["${x}-${Days}", {"x": {"Ref": "Bucket"}}]}, "b-7"),
        ({"Fn::If": ["IsWeek", [1, {"Ref": "AWS::NoValue"}], 2]}, [1]),
        ({"a": {"Fn::If": ["IsOther", 1, {"Ref": "AWS::NoValue"}]}}, {}),
    ],
)
def test_expressions_have_values(expression: Any, value: object) -> None:
    template = {
        "Parameters": {"Days": {"Default": 7}},
        "Conditions": {
            "IsWeek": {"Fn::Equals": [{"Ref": "Days"}, 7]},
            "IsOther": {"Fn::Not": [{"Condition": "IsWeek"}]},
        },
        "Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}},
    }
    assert TemplateValues(template, {"Bucket": "b"}).of(expression) == value


# ------------------------------------------------------------------------ calls


@pytest.mark.parametrize(
    ("operation", "params", "action"),
    [
        ("GetObject", {"Key": "k"}, "s3:GetObject"),
        ("GetObject", {"Key": "k", "VersionId": "1"}, "s3:GetObjectVersion"),
        ("UploadPart", {"Key": "k"}, "s3:PutObject"),
        ("DeleteObjects", {"Delete": {"Objects": [{"Key": "k"}]}}, "s3:DeleteObject"),
        (
            "DeleteObjects",
            {"Delete": {"Objects": [{"Key": "k", "VersionId": "1"}]}},
            "s3:DeleteObjectVersion",
        ),
    ],
)
def test_a_call_needs_the_action_that_s3_checks(operation: str, params: Any, action: str) -> None:
    assert [*call_needs("s3", operation, {"Bucket": "b", **params}, {})] == [Need(action, "arn:aws:s3:::b/k")]


@pytest.mark.parametrize(
    ("version", "action"), [({}, "s3:GetObject"), ({"VersionId": "1"}, "s3:GetObjectVersion")]
)
def test_a_copied_part_is_read_in_one_bucket_and_written_in_another(version: Any, action: str) -> None:
    params = {"Bucket": "b", "Key": "k", "CopySource": {"Bucket": "a", "Key": "j", **version}}
    found = {*call_needs("s3", "UploadPartCopy", params, {"a": f"{KEY}a", "b": f"{KEY}b"})}
    assert {(need.action, need.resource) for need in found} == {
        ("s3:PutObject", "arn:aws:s3:::b/k"),
        (action, "arn:aws:s3:::a/j"),
        ("kms:Decrypt", f"{KEY}a"),
        ("kms:Decrypt", f"{KEY}b"),
    }


def test_a_transaction_needs_the_action_of_each_of_its_entries() -> None:
    key = {"TableName": "Index", "Key": {"PK": {"S": "Jobs"}}}
    entries = [{"Put": {"TableName": "Index", "Item": {"PK": {"S": "Job#1"}}}}, {"ConditionCheck": key}]
    found = [*call_needs("dynamodb", "TransactWriteItems", {"TransactItems": entries}, {"dynamodb": KEY})]
    assert {(need.action, *places(need)) for need in found} == {
        ("dynamodb:PutItem", "records of jobs"),
        ("dynamodb:ConditionCheckItem", "list of jobs"),
        ("kms:Decrypt", "key, for dynamodb"),
    }


def test_a_call_that_the_recorder_does_not_know_is_granted_to_nobody() -> None:
    assert [*call_needs("s3", "CopyObject", {}, {})] == [Need("s3:CopyObject", "*")]


def test_links_and_missing_objects_are_written_down() -> None:
    recorder = CallRecorder({"s3": KEY})
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(
            Bucket="bucket", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
        )
        recorder.attach(client, "F")
        client.generate_presigned_url("get_object", Params={"Bucket": "bucket", "Key": "k", "VersionId": "1"})
        with pytest.raises(client.exceptions.NoSuchKey):
            client.get_object(Bucket="bucket", Key="k")
        client.close()
    assert {(need.action, need.resource) for need in recorder.needs["F"]} == {
        ("s3:GetObjectVersion", "arn:aws:s3:::bucket/k"),
        ("s3:GetObject", "arn:aws:s3:::bucket/k"),
        ("s3:ListBucket", "arn:aws:s3:::bucket"),
        ("kms:Decrypt", KEY),
    }
