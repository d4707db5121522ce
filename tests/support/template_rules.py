"""What an operator may rely on, as rules: each takes a parsed template and returns what breaks it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from local.functions import load_module
from local.template import TEMPLATE, _TemplateLoader, read_routes

Template = Mapping[str, Any]
Rule = Callable[[Template], list[str]]

FUNCTION = "AWS::Serverless::Function"
_TOPIC = "AWS::SNS::Topic"
_ASYNCHRONOUS = {
    "S3",
    "SNS",
    "EventBridgeRule",
    "CloudWatchEvent",
    "Schedule",
    "ScheduleV2",
    "CloudWatchLogs",
}
_WIDE_RESOURCE = re.compile(r"\*|.*:\*:.*|\$\{[\w.]+\}/?\*.*")
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


def of_type(template: Template, name: str) -> dict[str, dict[str, Any]]:
    """Return the properties of all resources of a type."""
    return {key: r.get("Properties", {}) for key, r in template["Resources"].items() if r["Type"] == name}


def role_statements(template: Template, function: str) -> list[dict[str, Any]]:
    """Return the statements of a function's role."""
    role = template["Resources"][template["Resources"][function]["Properties"]["Role"]["Fn::GetAtt"][0]]
    return [s for policy in role["Properties"]["Policies"] for s in policy["PolicyDocument"]["Statement"]]


def actions(template: Template, function: str) -> set[str]:
    """Return all actions that a function is granted."""
    return {action for s in role_statements(template, function) for action in listed(s["Action"])}


def listed(value: Any) -> list[Any]:
    """Return a list as it is, and anything else as a list of one."""
    return value if isinstance(value, list) else [value]


# ------------------------------------------------------------------ permissions


def unexplained_wildcards(text: str) -> list[str]:
    """Return the lines of a template that grant a wildcard without saying why beside it.

    A prefix such as ``${DicomBucket.Arn}/jobs/*`` is none: it names one folder.
    """
    lines = text.splitlines()
    document = yaml.compose(text, _TemplateLoader)
    assert document is not None
    wide = {
        line
        for key, line, value in _scalars_of_statements(document)
        if ("*" in value if key == "Action" else _WIDE_RESOURCE.fullmatch(value))
    }
    return [lines[line].strip() for line in sorted(wide) if "# wildcard: " not in lines[line]]


def _scalars_of_statements(node: yaml.Node, path: tuple[str, ...] = ()) -> Iterator[tuple[str, int, str]]:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _scalars_of_statements(value, (*path, key.value))
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _scalars_of_statements(value, path)
    elif "Statement" in path and path[-1] in ("Action", "Resource"):
        yield path[-1], node.start_mark.line, node.value


def careless_roles(template: Template) -> list[str]:
    """Return functions that leave their role to SAM, and roles with policies written elsewhere.

    SAM's roles may write to every log group of the account. What API Gateway logs with is the
    account's, and AWS's policy for it the only one there is.
    """
    found = [name for name, function in of_type(template, FUNCTION).items() if "Role" not in function]
    for name, role in of_type(template, "AWS::IAM::Role").items():
        is_gateways = "apigateway.amazonaws.com" in str(role["AssumeRolePolicyDocument"])
        if "PermissionsBoundary" not in role or ("ManagedPolicyArns" in role and not is_gateways):
            found.append(name)
    return found


def unsigned_routes(template: Template) -> list[str]:
    """Return routes that need no signature (IAM)."""
    api = _api(template)
    if api.get("Auth") != {"DefaultAuthorizer": "AWS_IAM"}:
        return sorted(api["DefinitionBody"]["paths"])
    own = ("security", "x-amazon-apigateway-auth")
    paths = api["DefinitionBody"]["paths"].items()
    return [path for path, methods in paths for o in methods.values() if any(name in o for name in own)]


# ----------------------------------------------------------------------- routes


def unserved_routes(template: Template) -> list[str]:
    """Return the routes whose function has no handler for them."""
    return sorted(map(str, _routes(template) - _handlers(template)))


def unreachable_handlers(template: Template) -> list[str]:
    """Return the handlers of the API's functions to which no route leads."""
    return sorted(map(str, _handlers(template) - _routes(template)))


def _routes(template: Template) -> set[tuple[str, str, str]]:
    routes = read_routes(dict(template))
    return {(r.folder, r.method, _shape(r.resource)) for r in routes if r.method != "ANY"}


def _handlers(template: Template) -> set[tuple[str, str, str]]:
    folders = {function["CodeUri"] for function in of_type(template, FUNCTION).values()}
    return {(folder, *route) for folder in folders for route in _routes_of_code(TEMPLATE.parent / folder)}


@cache
def _routes_of_code(folder: Path) -> frozenset[tuple[str, str]]:
    app = getattr(load_module(folder / "app.py"), "app", None)
    if app is None:
        return frozenset()
    routes = (*app._static_routes, *app._dynamic_routes)
    return frozenset((method, _shape(r.path)) for r in routes for method in _methods(r.method))


def _methods(method: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    return (method,) if isinstance(method, str) else tuple(method)


def _shape(path: str) -> str:
    """Return a path with its parameters unnamed: they are spelled differently on the two sides."""
    return re.sub(r"\{\w+\}|<\w+>", "*", path)


# ------------------------------------------------------------ logs and alarms


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
    api = _api(template)
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
    (topic,) = of_type(template, _TOPIC)
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
    """Return functions that are called asynchronously and whose failures nobody keeps."""
    functions = of_type(template, FUNCTION)
    called = {name for name, f in functions.items() if _event_types(f) & _ASYNCHRONOUS}
    for permission in of_type(template, "AWS::Lambda::Permission").values():
        if permission["Principal"] != "apigateway.amazonaws.com":
            called.add(_target(permission["FunctionName"]))
    kept = {name for name, f in functions.items() if "DeadLetterQueue" in f or _has_failure_destination(f)}
    for config in of_type(template, "AWS::Lambda::EventInvokeConfig").values():
        if "OnFailure" in config.get("DestinationConfig", {}):
            kept.add(_target(config["FunctionName"]))
    return sorted(called - kept) + _queues_without_end(template)


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
    return str(reference["Ref"] if "Ref" in reference else reference["Fn::GetAtt"][0])


# ---------------------------------------------------------------------- storage


def open_buckets(template: Template) -> list[str]:
    """Return buckets that strangers, plain HTTP, old TLS or foreign keys could reach."""
    policies = of_type(template, "AWS::S3::BucketPolicy").values()
    return [
        name
        for name, bucket in of_type(template, "AWS::S3::Bucket").items()
        if list(bucket.get("PublicAccessBlockConfiguration", {}).values()) != [True] * 4
        or bucket.get("OwnershipControls") != {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
        or not any(_closes(policy) for policy in policies if policy["Bucket"] == {"Ref": name})
    ]


def _closes(policy: Mapping[str, Any]) -> bool:
    statements = policy["PolicyDocument"]["Statement"]
    conditions = [s["Condition"] for s in statements if s["Effect"] == "Deny" and s["Principal"] == "*"]
    encryption = "s3:x-amz-server-side-encryption"
    return (
        all(s["Effect"] == "Deny" for s in statements)
        and {"Bool": {"aws:SecureTransport": "false"}} in conditions
        and {"NumericLessThan": {"s3:TlsVersion": "1.2"}} in conditions
        and {f"{encryption}-customer-algorithm", encryption, f"{encryption}-aws-kms-key-id"}
        == {key for condition in conditions for key in condition.get("Null", {})}
    )


def unencrypted(template: Template) -> list[str]:
    """Return what is stored without the stack's key."""
    key = {"Fn::If": ["MakesKey", {"Fn::GetAtt": ["DataKey", "Arn"]}, {"Ref": "KmsKeyArn"}]}
    given: dict[str, Any] = {
        name: p.get("KmsKeyId") for name, p in of_type(template, "AWS::Logs::LogGroup").items()
    }
    for kind in (_TOPIC, "AWS::SQS::Queue"):
        given |= {name: p.get("KmsMasterKeyId") for name, p in of_type(template, kind).items()}
    for name, table in of_type(template, "AWS::DynamoDB::Table").items():
        given[name] = table.get("SSESpecification", {}).get("KMSMasterKeyId")
    for name, bucket in of_type(template, "AWS::S3::Bucket").items():
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        given[name] = rule["BucketKeyEnabled"] and rule["ServerSideEncryptionByDefault"].get("KMSMasterKeyID")
    return sorted(name for name, found in given.items() if found != key)


def _api(template: Template) -> dict[str, Any]:
    (api,) = of_type(template, "AWS::Serverless::Api").values()
    return api
