"""What an operator would trust beyond the rules: storage that lasts, and answers of the gateway itself."""

import json
from typing import Any

import pytest

from dicomorph.http.routes import ROUTES, each_route
from dicomorph.model import object_keys
from dicomorph.model.orthanc_errors import describe_code
from dicomorph.services.sweeping.sweeper import LEAST_DAYS
from local.template import TEMPLATE, read_template
from tests.support.template_rules import of_type

STACK = read_template()
RESOURCES = STACK["Resources"]
API = RESOURCES["Api"]["Properties"]
RESPONSES: dict[str, Any] = API["DefinitionBody"]["x-amazon-apigateway-gateway-responses"]


def test_the_bucket_keeps_versions_and_forgets_what_is_over() -> None:
    bucket = RESOURCES["DicomBucket"]["Properties"]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    rules = {rule["Id"]: rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert rules["ForgetResults"]["Prefix"] == "results/"
    for name, prefix in (
        ("ForgetDeletedVersions", "instances/"),
        ("ForgetDeletedDocuments", "jobs/"),
        ("ForgetIncoming", "incoming/"),
    ):
        assert rules[name]["Prefix"] == prefix
        assert rules[name]["NoncurrentVersionExpiration"] == {"NoncurrentDays": {"Ref": "DeletedVersionDays"}}
    assert "AbortIncompleteMultipartUpload" in rules["AbortUploads"]
    # What is stored, what waits to be, and the documents of jobs, go when somebody says so.
    assert {rule.get("Prefix") for rule in rules.values() if "ExpirationInDays" in rule} == {
        "results/",
        "rejected/",
        "arrivals/",
    }


def test_whatever_converts_has_the_codecs_and_nothing_else_has_to_unzip_them() -> None:
    routes = [(row.method, row.path, row.function) for _, row in each_route()]
    converting = {
        function
        for method, path, function in routes
        if (method, path) == ("POST", "/instances")
        or path in ("/instances/{id}/file", "/instances/{id}/modify", "/instances/{id}/anonymize")
    } | {"edit_batch"}
    given = {
        properties["CodeUri"].removeprefix("functions/")
        for properties in of_type(STACK, "AWS::Serverless::Function").values()
        if {"Ref": "CodecsLayer"} in properties.get("Layers", [])
    }
    assert given == converting


def test_what_is_to_be_erased_is_forgotten_when_it_is_done_and_never_before() -> None:
    rules = RESOURCES["DicomBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    of_erasures = [rule for rule in rules if "erasures/".startswith(rule.get("Prefix", ""))]
    assert not any("ExpirationInDays" in rule for rule in of_erasures)
    assert any("NoncurrentVersionExpiration" in rule for rule in of_erasures)


def test_deletions_are_finished_every_few_minutes_and_no_run_is_repeated() -> None:
    assert RESOURCES["EraseSchedule"]["Properties"]["ScheduleExpression"] == "rate(5 minutes)"
    assert RESOURCES["EraseFunction"]["Properties"]["Timeout"] == 900
    invocations = RESOURCES["EraseInvocations"]["Properties"]
    assert (invocations["MaximumRetryAttempts"], invocations["MaximumEventAgeInSeconds"]) == (0, 300)


def test_the_sweep_is_scheduled_unless_it_is_off_and_waits_for_longer_than_any_retry() -> None:
    assert STACK["Parameters"]["SweepAfterDays"]["MinValue"] == LEAST_DAYS
    assert STACK["Parameters"]["SweepAfterDays"]["Default"] > LEAST_DAYS
    assert STACK["Conditions"]["Sweeps"] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "Sweep"}, "off"]}]}
    schedule = RESOURCES["SweepSchedule"]["Properties"]
    assert schedule["State"] == {"Fn::If": ["Sweeps", "ENABLED", "DISABLED"]}
    assert STACK["Parameters"]["Sweep"]["AllowedValues"] == ["delete", "count", "off"]
    assert RESOURCES["SweepFunction"]["Properties"]["Timeout"] == 900
    assert RESOURCES["SweepInvocations"]["Properties"]["MaximumRetryAttempts"] == 0


def test_versions_of_whatever_is_stored_are_forgotten_but_those_of_settings() -> None:
    rules = RESOURCES["DicomBucket"]["Properties"]["LifecycleConfiguration"]["Rules"]
    forgotten = {rule.get("Prefix", "") for rule in rules if "NoncurrentVersionExpiration" in rule}
    stored = {value for value in vars(object_keys).values() if isinstance(value, str) and value.endswith("/")}
    assert {"instances/", "jobs/", "results/"} <= stored
    assert all(key.startswith(tuple(forgotten)) for key in stored)
    assert all(any(key.startswith(prefix) for key in stored) for prefix in forgotten)
    assert not any("settings/".startswith(prefix) for prefix in forgotten)


def test_the_table_costs_what_is_used_and_can_be_restored() -> None:
    table = RESOURCES["IndexTable"]["Properties"]
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["DeletionProtectionEnabled"] == {"Ref": "DeletionProtection"}


@pytest.mark.parametrize("name", ["DataKey", "DicomBucket", "IndexTable"])
def test_data_outlives_the_stack(name: str) -> None:
    assert RESOURCES[name]["DeletionPolicy"] == "RetainExceptOnCreate"
    assert RESOURCES[name]["UpdateReplacePolicy"] == "Retain"


def test_the_key_changes_its_material_every_year() -> None:
    assert RESOURCES["DataKey"]["Properties"]["EnableKeyRotation"] is True


def test_only_alarms_of_this_stack_reach_the_topic() -> None:
    (statement,) = RESOURCES["AlarmTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert statement["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"].endswith(
        ":alarm:${AWS::StackName}-*"
    )


def test_the_dashboard_shows_metrics_of_resources_that_exist() -> None:
    body = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]["Fn::Sub"]
    for name in {*RESOURCES, "AWS::Region", "AWS::StackName"}:
        body = body.replace(f"${{{name}}}", "x")
    assert "${" not in body
    widgets = json.loads(body)["widgets"]
    assert 4 <= len(widgets) <= 8
    assert all(widget["properties"]["metrics"] for widget in widgets)


def test_bodies_pass_the_api_as_they_are() -> None:
    assert API["DefinitionBody"]["x-amazon-apigateway-binary-media-types"] == ["*/*"]


def test_the_api_is_throttled() -> None:
    (settings,) = API["MethodSettings"]
    assert (settings["HttpMethod"], settings["ResourcePath"]) == ("*", "/*")
    assert settings["ThrottlingRateLimit"] == {"Ref": "ApiRateLimit"}
    assert settings["ThrottlingBurstLimit"] == {"Ref": "ApiBurstLimit"}


@pytest.mark.parametrize("name", sorted(RESPONSES))
def test_the_gateways_own_errors_look_like_orthancs(name: str) -> None:
    body = json.loads(RESPONSES[name]["responseTemplates"]["application/json"])
    assert body.keys() - {"Details"} == {
        "HttpError", "HttpStatus", "Message", "Method", "OrthancError", "OrthancStatus", "Uri",
    }  # fmt: skip
    assert str(body["HttpStatus"]) == RESPONSES[name]["statusCode"]
    assert body["Message"] == body["OrthancError"] == describe_code(body["OrthancStatus"])[0]


def test_who_sends_too_much_learns_where_to_send_it() -> None:
    body = json.loads(RESPONSES["REQUEST_TOO_LARGE"]["responseTemplates"]["application/json"])
    method, path = body["Details"].split()[-2:]
    assert path in ROUTES
    assert method in ROUTES[path]


@pytest.mark.parametrize(
    ("status", "names"),
    [
        ("401", {"MISSING_AUTHENTICATION_TOKEN", "UNAUTHORIZED"}),
        ("403", {"ACCESS_DENIED", "EXPIRED_TOKEN", "INVALID_SIGNATURE", "WAF_FILTERED"}),
        ("413", {"REQUEST_TOO_LARGE"}),
        ("429", {"QUOTA_EXCEEDED", "THROTTLED"}),
        ("504", {"INTEGRATION_TIMEOUT"}),
    ],
)
def test_the_gateways_own_errors_mean_what_they_say(status: str, names: set[str]) -> None:
    assert {name for name, response in RESPONSES.items() if response["statusCode"] == status} == names


def test_the_state_machine_gets_every_substitution_that_it_names() -> None:
    (workflow,) = of_type(STACK, "AWS::Serverless::StateMachine").values()
    definition = (TEMPLATE.parent / workflow["DefinitionUri"]).read_text()
    named = {part.split("}")[0] for part in definition.split("${")[1:]}
    assert named == set(workflow["DefinitionSubstitutions"])
