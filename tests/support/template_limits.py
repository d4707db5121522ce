"""What AWS counts of a stack: its resources, those of its API, and the size of its functions' policies."""

from __future__ import annotations

import json
from collections.abc import Iterable

from tests.support.template_rules import FUNCTION, Template, of_type

STACK_RESOURCES = 500
API_RESOURCES = 300
POLICY_BYTES = 20 * 1024
TEMPLATE_BYTES = 1_000_000
RESERVE = 0.8
"""How much of each may be used."""

OF_A_FUNCTION = 6
"""A function, its role, permission and log group, and two alarms."""

# The longest names that AWS allows: a stack's, and what CloudFormation makes of them for a function.
_STACK_NAME = "s" * 128
_FUNCTION_ARN = f"arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:{'f' * 64}"


def stack_resources(template: Template) -> int:
    """Return how many resources a stack has after SAM's transform.

    SAM writes a stage and a deployment for an API, and a role for what has none.
    """
    roles = [
        name
        for kind in (FUNCTION, "AWS::Serverless::StateMachine")
        for name, properties in of_type(template, kind).items()
        if "Role" not in properties
    ]
    apis = of_type(template, "AWS::Serverless::Api")
    return len(template["Resources"]) + len(roles) + 2 * len(apis)


def api_resources(paths: Iterable[str]) -> int:
    """Return how many resources an API of these paths has.

    API Gateway counts every node of the tree of paths, whether it has a method or not.
    """
    nodes = {"/"}
    for path in paths:
        parts = path.strip("/").split("/")
        nodes |= {"/".join(parts[:length]) for length in range(1, len(parts) + 1)} - {""}
    return len(nodes)


def policy_bytes(template: Template, function: str) -> int:
    """Return the largest size that a function's resource policy can have, from its permissions."""
    statements = [
        {
            "Sid": f"{_STACK_NAME}-{name}-123456789012",
            "Effect": "Allow",
            "Principal": {"Service": permission["Principal"]},
            "Action": permission["Action"],
            "Resource": _FUNCTION_ARN,
            "Condition": {"ArnLike": {"AWS:SourceArn": str(permission["SourceArn"])}},
        }
        for name, permission in of_type(template, "AWS::Lambda::Permission").items()
        if permission["FunctionName"] == {"Ref": function}
    ]
    policy = {"Version": "2012-10-17", "Id": "default", "Statement": statements}
    return len(json.dumps(policy).encode())
