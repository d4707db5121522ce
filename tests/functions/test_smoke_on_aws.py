"""The smoke test of a stack, as far as moto goes: the gateway in front of the handlers is acted here."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

import boto3
import pytest

from dicomorph.aws.arrivals.objects import S3Arrivals
from dicomorph.ports.arrivals import Arrived
from dicomorph.services.arrival.door import Door
from dicomorph.services.arrival.rules import ArrivalRules
from dicomorph.services.arrival.take import take
from dicomorph.services.backend import Target
from dicomorph.services.store.store_instance import store_instance
from dicomorph.services.uploads import settle
from tests.support.api_client import Client as Handlers
from tools.smoke import account, arrivals, deployed, ending
from tools.smoke.__main__ import ordered
from tools.smoke.calls import upload
from tools.smoke.client import Answer, Client, Headers
from tools.smoke.deployed import Deployed
from tools.smoke.ending import _copy_back
from tools.smoke.report import cost, summary
from tools.smoke.steps import Outcome, Run, carry_out

URL = "https://api.execute-api.eu-central-1.amazonaws.com/v1"
LARGEST = 4_500_000
TEMPLATE = {
    "Resources": {
        "AlarmTopic": {"Type": "AWS::SNS::Topic"},
        "ApiLogGroup": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "access"}},
    },
    "Outputs": {
        "AlarmTopicArn": {"Value": {"Ref": "AlarmTopic"}},
        "LogGroupNames": {"Value": "access"},
        "ApiUrl": {"Value": URL},
        "IndexTableName": {"Value": "index"},
        "DicomBucketName": {"Value": "dicom"},
        "ModificationWorkflowArn": {"Value": "arn:aws:states:eu-central-1:123456789012:stateMachine:m"},
    },
}


class Gateway:
    """Answers as API Gateway would, for what it lets through as the handlers do."""

    def __init__(self, handlers: Handlers, session: boto3.Session) -> None:
        self._handlers = handlers
        self._handlers.takes_any_argument = True
        self._key = session.get_credentials().access_key  # type: ignore[union-attr]
        self.is_slow = False

    def __call__(self, method: str, address: str, body: bytes, headers: Headers) -> Answer:
        if not address.startswith(URL):
            return self._to_bucket(address, body, headers) if method == "PUT" else self._from_bucket(address)
        if "AWS4-HMAC-SHA256" not in headers.get("Authorization", ""):
            return self._refused(401)
        if f"Credential={self._key}/" not in headers["Authorization"]:
            return self._refused(403)
        if len(body) > LARGEST:
            return self._refused(413)
        if self.is_slow:
            return self._refused(429)
        self._take_what_arrived()
        path, _, arguments = address.removeprefix(URL).partition("?")
        query = {name: "" for name in arguments.split("&") if name}
        found = self._handlers.call(method, path, body, query=query)
        return Answer(found.status, found.headers, found.body)

    @staticmethod
    def _refused(status: int) -> Answer:
        return Answer(status, {}, json.dumps({"HttpStatus": status}).encode())

    def _to_bucket(self, address: str, body: bytes, headers: Headers) -> Answer:
        """Take a file as S3 does, and take it in as what S3 tells of it would have it done."""
        if str(len(body)) != headers.get("Content-Length"):
            return self._refused(403)
        backend, upload_id = self._handlers.backend, urlsplit(address).path.rpartition("/")[2]
        settle.settle(backend, upload_id, settle.stored(store_instance(backend, body, remote_ip="")))
        return Answer(200, {}, b"")

    def _take_what_arrived(self) -> None:
        """Stand for EventBridge, the queue and `Ingest`."""
        s3, backend = boto3.client("s3"), self._handlers.backend
        arrivals = S3Arrivals(s3, "dicom", backend.objects.scratch)
        rules = ArrivalRules(backend.settings)
        rejected = Target(backend.objects, "rejected/")
        door = Door(backend=backend, arrivals=arrivals, rejected=rejected, rules=rules)
        for one in s3.list_object_versions(Bucket="dicom", Prefix="incoming/smoke-").get("Versions", ()):
            take(door, Arrived(one["Key"].removeprefix("incoming/"), one["Key"], one["VersionId"]))

    @staticmethod
    def _from_bucket(address: str) -> Answer:
        parts = urlsplit(address)
        bucket = str(parts.hostname).partition(".")[0]
        found = boto3.client("s3").get_object(Bucket=bucket, Key=unquote(parts.path[1:]))
        return Answer(200, {}, found["Body"].read())


@pytest.fixture
def run(aws_client: Handlers, monkeypatch: pytest.MonkeyPatch) -> Run:
    for module, name in (
        (account, "_LATENESS"),
        (deployed, "_TO_TAKE_EFFECT"),
        (ending, "_PAUSE"),
        (arrivals, "_PAUSE"),
    ):
        monkeypatch.setattr(module, name, 0.0)
    session = boto3.Session()
    session.client("cloudformation").create_stack(StackName="dicomorph", TemplateBody=json.dumps(TEMPLATE))
    session.client("dynamodb").update_continuous_backups(
        TableName="index", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    found = Deployed.of("dicomorph", session)
    for name in ("BrowseErrors", "JobsFailed"):  # moto's CloudFormation makes no alarms
        _put_alarm(name, [found.outputs["AlarmTopicArn"]])
        found.resources[name] = f"dicomorph-{name}"
    gateway = Gateway(aws_client, session)

    @contextmanager
    def one_request_a_second(_: Deployed) -> Iterator[None]:
        gateway.is_slow = True
        yield
        gateway.is_slow = False

    # What moto has neither of: the runs of a map, since jobs are run inline here, and limits of a stage.
    monkeypatch.setattr(Deployed, "map_items", lambda *_: "not told by moto")
    monkeypatch.setattr(Deployed, "one_request_a_second", one_request_a_second)
    role = session.client("iam").create_role(RoleName="worker", AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    function = session.client("lambda").create_function(
        FunctionName="worker", Runtime="python3.13", Role=role, Handler="app.f", Code={"ZipFile": b"0"}
    )
    gateway_api = session.client("apigateway").create_rest_api(name="dicomorph")["id"]
    session.client("logs").create_log_group(logGroupName="plan")
    session.client("events").put_rule(Name="erase", ScheduleExpression="rate(5 minutes)")
    found.resources.update(
        EditBatchFunction=function["FunctionName"],
        Api=gateway_api,
        PlanJobLogGroup="plan",
        EraseSchedule="erase",
    )
    return Run(Client(URL, found.signer(), gateway), found, images=12)


def _put_alarm(name: str, actions: list[str]) -> None:
    boto3.client("cloudwatch").put_metric_alarm(
        AlarmName=f"dicomorph-{name}",
        AlarmActions=actions,
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        MetricName="x",
        Namespace="y",
        Period=60,
        Statistic="Sum",
        Threshold=0,
    )


def _outcomes(run: Run) -> dict[str, Outcome]:
    return {one.name: one for one in carry_out(run, ordered())}


@pytest.mark.slow
def test_all_steps_hold_on_a_stack_and_nothing_of_it_stays(run: Run) -> None:
    run.asked = frozenset({"removal"})
    outcomes = _outcomes(run)
    failed = {name: one.told for name, one in outcomes.items() if one.result == "failed"}
    assert failed == {}
    left = {name for name, one in outcomes.items() if one.result == "left out"}
    # No log tells of a start, and moto restores a table as it is, not as it was.
    assert left == {"cold starts", "restore"}
    assert boto3.client("dynamodb").list_tables()["TableNames"] == []
    assert boto3.client("s3").list_buckets()["Buckets"] == []
    assert (
        boto3.client("cloudformation").list_stacks()["StackSummaries"][0]["StackStatus"] == "DELETE_COMPLETE"
    )
    assert 0 < cost(run) < 0.1
    assert "0 failed, 2 left out" in summary(run, list(outcomes.values()))


def test_what_long_or_takes_away_is_asked_for() -> None:
    assert {one.name for one in ordered() if one.is_asked_for} == {"restore", "removal"}
    assert [one.name for one in ordered()][-1] == "removal"


def test_identifiers_in_logs_and_refusals_are_found(run: Run) -> None:
    logs = boto3.client("logs")
    logs.create_log_stream(logGroupName="access", logStreamName="s")
    run.held["first"] = {"ID": "id1", "ParentStudy": "id2", "ParentPatient": "id3"}
    steps = [one for one in ordered() if one.name in ("nothing in logs", "permissions suffice")]
    assert {one.result for one in carry_out(run, steps)} == {"held"}
    for text in (f"patient {run.make.token}", "AccessDenied at s3"):
        logs.put_log_events(
            logGroupName="access",
            logStreamName="s",
            logEvents=[{"timestamp": int(run.began * 1000) + 1000, "message": text}],
        )
    assert "failed" in {one.result for one in carry_out(run, steps)}


def test_what_is_copied_back_is_the_study_and_nothing_else(run: Run) -> None:
    found = upload(run, run.make.image("R"))
    other = upload(run, run.make.image("S"))
    client = boto3.client("dynamodb")
    arn = client.describe_table(TableName="index")["Table"]["TableArn"]
    client.restore_table_to_point_in_time(
        SourceTableArn=arn, SourceTableName="index", TargetTableName="restored", UseLatestRestorableTime=True
    )
    for stored in (found, other):
        assert run.client.call("DELETE", f"/studies/{stored['ParentStudy']}").status == 200
    assert _copy_back(client, "restored", "index", found) >= 4
    assert run.client.get(f"/instances/{found['ID']}").status == 200
    assert run.client.get(f"/instances/{other['ID']}").status == 404


def test_an_alarm_that_tells_nobody_is_found(run: Run) -> None:
    _put_alarm("JobsFailed", [])
    (outcome,) = carry_out(run, [one for one in ordered() if one.name == "alarms arrive"])
    assert (outcome.result, "dicomorph-JobsFailed tells nobody" in outcome.told) == ("failed", True)


def _step(run: Run, name: str) -> Outcome:
    (outcome,) = carry_out(run, [one for one in ordered() if one.name == name])
    return outcome


def test_what_arrives_is_found_in_the_store_and_what_is_set_aside_is_cleared_away(run: Run) -> None:
    outcome = _step(run, "arrivals")
    assert outcome.result == "held", outcome.told
    assert "set aside: This is not a DICOM file" in outcome.told
    assert len(run.client.get("/instances").json) == 2
    assert {one.partition("/")[0] for one in run.deployed.stored("")} == {"instances"}


@pytest.mark.parametrize(
    "parameters",
    [
        {"ArrivalRules": '{"": {"Anonymize": {}}}'},
        {"ArrivalRules": '{"smo": {"Anonymize": {}}}'},
        {"Settings": '{"ArrivalRules": {}}'},
        {"SettingsVersion": "1"},
    ],
)
def test_nothing_arrives_where_a_rule_may_be_for_it(run: Run, parameters: dict[str, str]) -> None:
    run.deployed.parameters.update(parameters)
    assert _step(run, "arrivals").result == "left out"
    assert run.deployed.stored("") == []


def test_what_does_not_arrive_is_found(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "_PATIENCE", 0.0)
    monkeypatch.setattr(Gateway, "_take_what_arrived", lambda _: None)
    outcome = _step(run, "arrivals")
    assert (outcome.result, outcome.told) == ("failed", "what arrived is not stored")


def test_workers_that_are_not_shared_out_are_found(run: Run) -> None:
    assert _step(run, "workers are shared out").result == "held"
    logs = boto3.client("logs")
    logs.create_log_stream(logGroupName="plan", logStreamName="s")
    text = json.dumps({"message": "The account's concurrency is not known: ConnectTimeoutError"})
    told = [{"timestamp": int(run.began * 1000) + 1000, "message": text}]
    logs.put_log_events(logGroupName="plan", logStreamName="s", logEvents=told)
    assert _step(run, "workers are shared out").result == "failed"


def test_deletions_that_nobody_or_nothing_finishes_are_found(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "_PATIENCE", 0.0)
    run.held["many"] = upload(run, run.make.image("M"))
    place = f"erasures/Study-{run.held['many']['ParentStudy']}/20260101T000000Z-00/000000.json"  # never begun
    boto3.client("s3").put_object(Bucket="dicom", Key=place, Body=b"[]")
    outcome = _step(run, "deletions are finished")
    assert (outcome.result, outcome.told) == ("failed", "the deletion is not finished")
    boto3.client("s3").delete_object(Bucket="dicom", Key=place)
    run.held["many"] = upload(run, run.make.image("M"))
    assert _step(run, "deletions are finished").result == "held"
    boto3.client("events").disable_rule(Name="erase")
    assert _step(run, "deletions are finished").result == "failed"
