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
TOPIC = "AWS::SNS::Topic"
_WIDE_RESOURCE = re.compile(r"\*|.*:\*:.*|\$\{[\w.]+\}/?\*.*")


def of_type(template: Template, name: str) -> dict[str, dict[str, Any]]:
    """Return the properties of all resources of a type."""
    return {key: r.get("Properties", {}) for key, r in template["Resources"].items() if r["Type"] == name}


def api_of(template: Template) -> dict[str, Any]:
    """Return the properties of the one API."""
    (api,) = of_type(template, "AWS::Serverless::Api").values()
    return api


def role_statements(template: Template, function: str) -> list[dict[str, Any]]:
    """Return the statements of a function's role that it has whatever the parameters say."""
    role = template["Resources"][template["Resources"][function]["Properties"]["Role"]["Fn::GetAtt"][0]]
    policies = [policy for policy in role["Properties"]["Policies"] if "Fn::If" not in policy]
    return [s for policy in policies for s in policy["PolicyDocument"]["Statement"]]


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

    SAM's roles may write to every log group of the account. A role without the network policy keeps
    its function from being deployed into a VPC. What API Gateway logs with is the
    account's, and AWS's policy for it the only one there is.
    """
    found = [name for name, function in of_type(template, FUNCTION).items() if "Role" not in function]
    found += [
        name for name in of_type(template, FUNCTION) if name not in found and not _has_network(template, name)
    ]
    for name, role in of_type(template, "AWS::IAM::Role").items():
        is_gateways = "apigateway.amazonaws.com" in str(role["AssumeRolePolicyDocument"])
        if "PermissionsBoundary" not in role or ("ManagedPolicyArns" in role and not is_gateways):
            found.append(name)
    return found


def _has_network(template: Template, function: str) -> bool:
    """Tell whether the role lets Lambda make network interfaces, where functions run in subnets."""
    role = template["Resources"][template["Resources"][function]["Properties"]["Role"]["Fn::GetAtt"][0]]
    return any(policy.get("Fn::If", [""])[0] == "InVpc" for policy in role["Properties"]["Policies"])


def unsigned_routes(template: Template) -> list[str]:
    """Return routes that need no signature (IAM)."""
    api = api_of(template)
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
    """Return what is stored without the stack's key, or that of the access trail."""
    key = {"Fn::If": ["MakesKey", {"Fn::GetAtt": ["DataKey", "Arn"]}, {"Ref": "KmsKeyArn"}]}
    given: dict[str, Any] = {
        name: p.get("KmsKeyId") for name, p in of_type(template, "AWS::Logs::LogGroup").items()
    }
    for kind in (TOPIC, "AWS::SQS::Queue"):
        given |= {name: p.get("KmsMasterKeyId") for name, p in of_type(template, kind).items()}
    for name, table in of_type(template, "AWS::DynamoDB::Table").items():
        given[name] = table.get("SSESpecification", {}).get("KMSMasterKeyId")
    for name, bucket in of_type(template, "AWS::S3::Bucket").items():
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        given[name] = rule["BucketKeyEnabled"] and rule["ServerSideEncryptionByDefault"].get("KMSMasterKeyID")
    of_its_own = {"Fn::If": ["TrailHasKey", {"Ref": "AccessTrailKeyArn"}, key]}
    return sorted(
        name
        for name, found in given.items()
        if found != (of_its_own if name == "AccessTrailLogGroup" else key)
    )
