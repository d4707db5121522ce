"""What an operator learns of a stack, and what nobody learns from it: rules as in `template_rules`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.support.template_rules import FUNCTION, TOPIC, Template, api_of, of_type, role_statements

_ASYNCHRONOUS = {
    "S3",
    "SNS",
    "EventBridgeRule",
    "CloudWatchEvent",
    "Schedule",
    "ScheduleV2",
    "CloudWatchLogs",
}
_TALKATIVE = {"POWERTOOLS_DEBUG", "POWERTOOLS_DEV", "POWERTOOLS_LOGGER_LOG_EVENT"}
_LOGGED = {
    "requestId",
    "resourcePath",
    "httpMethod",
    "status",
    "responseLatency",
    "integrationLatency",
    "responseLength",
}


def unlogged_functions(template: Template) -> list[str]:
    """Return functions that lack an encrypted log group of their own, or write to another one."""
    groups = of_type(template, "AWS::Logs::LogGroup")
    functions = of_type(template, FUNCTION)
    used = [
        function.get("LoggingConfig", {}).get("LogGroup", {}).get("Ref", "")
        for function in functions.values()
    ]
    found = []
    for (name, function), group in zip(functions.items(), used, strict=True):
        kept = groups.get(group, {})
        writes = [
            statement["Resource"]
            for statement in (role_statements(template, name) if "Role" in function else ())
            if "logs:PutLogEvents" in statement["Action"]
        ]
        is_its_own = used.count(group) == 1 and writes == [{"Fn::GetAtt": [group, "Arn"]}]
        if not (is_its_own and "RetentionInDays" in kept and "KmsKeyId" in kept):
            found.append(name)
    return found


def talkative_logs(template: Template) -> list[str]:
    """Return what would write requests, answers or the state of jobs into logs or traces."""
    api = api_of(template)
    found = [
        f"{name} is {settings.get(name)}"
        for settings in api["MethodSettings"]
        for name, silent in (("DataTraceEnabled", False), ("LoggingLevel", "OFF"))
        if settings.get(name) != silent
    ]
    found += sorted(set(re.findall(r"\$context\.([\w.]+)", api["AccessLogSetting"]["Format"])) - _LOGGED)
    for name, machine in of_type(template, "AWS::Serverless::StateMachine").items():
        if machine["Logging"]["IncludeExecutionData"] is not False:
            found.append(f"{name} logs execution data")
    found += ["the API is traced"] if api.get("TracingEnabled") else []
    for name, function in {"Globals": template["Globals"]["Function"], **of_type(template, FUNCTION)}.items():
        variables = function.get("Environment", {}).get("Variables", {})
        found += [f"{name} has {variable}" for variable in sorted(_TALKATIVE & variables.keys())]
        found += [f"{name} is traced"] if function.get("Tracing") == "Active" else []
    return found


def unwatched(template: Template) -> list[str]:
    """Return what fails or is throttled without anybody being told through the one topic."""
    (topic,) = of_type(template, TOPIC)
    watched = {
        (alarm["MetricName"], str(alarm["Dimensions"][0]["Value"]))
        for alarm in of_type(template, "AWS::CloudWatch::Alarm").values()
        if alarm["AlarmActions"] == [{"Ref": topic}]
    }
    wanted = {(metric, name) for name in of_type(template, FUNCTION) for metric in ("Errors", "Throttles")}
    for name in of_type(template, "AWS::Serverless::StateMachine"):
        wanted |= {("ExecutionsFailed", name), ("ExecutionThrottled", name)}
    wanted.add(("5XXError", "AWS::StackName"))
    return sorted(f"{m} of {name}" for m, name in wanted if (m, str({"Ref": name})) not in watched)


def lost_failures(template: Template) -> list[str]:
    """Return functions that are called asynchronously and whose failures nobody keeps.

    What a schedule calls needs nobody to keep them: the next run is the same call again.
    """
    functions = of_type(template, FUNCTION)
    called = {name for name, f in functions.items() if _event_types(f) & _ASYNCHRONOUS}
    for permission in of_type(template, "AWS::Lambda::Permission").values():
        if permission["Principal"] != "apigateway.amazonaws.com" and not _is_schedule(template, permission):
            called.add(_target(permission["FunctionName"]))
    kept = {name for name, f in functions.items() if "DeadLetterQueue" in f or _has_failure_destination(f)}
    for config in of_type(template, "AWS::Lambda::EventInvokeConfig").values():
        if "OnFailure" in config.get("DestinationConfig", {}):
            kept.add(_target(config["FunctionName"]))
    return sorted(called - kept) + _queues_without_end(template)


def _is_schedule(template: Template, permission: Mapping[str, Any]) -> bool:
    rules = of_type(template, "AWS::Events::Rule")
    return _target(permission["SourceArn"]) in {
        name for name, rule in rules.items() if "ScheduleExpression" in rule and "EventPattern" not in rule
    }


def _queues_without_end(template: Template) -> list[str]:
    queues = of_type(template, "AWS::SQS::Queue")
    read = [
        event["Properties"]["Queue"]
        for function in of_type(template, FUNCTION).values()
        for event in function.get("Events", {}).values()
        if event["Type"] == "SQS"
    ]
    read += [m["EventSourceArn"] for m in of_type(template, "AWS::Lambda::EventSourceMapping").values()]
    return sorted(name for name in map(_target, read) if "RedrivePolicy" not in queues.get(name, {}))


def _event_types(function: Mapping[str, Any]) -> set[str]:
    return {event["Type"] for event in function.get("Events", {}).values()}


def _has_failure_destination(function: Mapping[str, Any]) -> bool:
    return "OnFailure" in function.get("EventInvokeConfig", {}).get("DestinationConfig", {})


def _target(reference: Mapping[str, Any]) -> str:
    if "Fn::Sub" in reference:
        return ""
    return str(reference["Ref"] if "Ref" in reference else reference["Fn::GetAtt"][0])
