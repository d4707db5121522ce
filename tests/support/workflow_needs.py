"""Which permissions the state machine itself needs: read from its definition, which names every call."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from local.template import TEMPLATE
from tests.support.granted_actions import Need
from tests.support.template_values import ACCOUNT, REGION, NotReadableError, TemplateValues

_LOG_DELIVERY = (
    "CreateLogDelivery",
    "DeleteLogDelivery",
    "DescribeLogGroups",
    "DescribeResourcePolicies",
    "GetLogDelivery",
    "ListLogDeliveries",
    "PutResourcePolicy",
    "UpdateLogDelivery",
)
"""What Step Functions asks for before it logs; none of these knows resources."""


def workflow_needs(
    template: Mapping[str, Any], name: str, values: TemplateValues, keys: Mapping[str, str]
) -> set[Need]:
    """Return what a state machine needs.

    Parameters
    ----------
    keys : Mapping[str, str]
        The customer's keys of the stores.
    """
    properties = template["Resources"][name]["Properties"]
    definition = (TEMPLATE.parent / properties["DefinitionUri"]).read_text(encoding="utf-8")
    for variable, value in values.of(properties["DefinitionSubstitutions"]).items():
        definition = definition.replace(f"${{{variable}}}", str(value))
    needs = {
        need
        for state in _states(json.loads(definition))
        for need in _state_needs(state, values.arn(name), keys)
    }
    if properties.get("Logging", {}).get("Level", "OFF") != "OFF":
        needs |= {Need(f"logs:{action}", "*") for action in _LOG_DELIVERY}
    if properties.get("Tracing", {}).get("Enabled"):
        raise NotReadableError("Tracing needs permissions that are not known here")
    return needs


def _states(definition: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for state in definition["States"].values():
        yield state
        if "ItemProcessor" in state:
            yield from _states(state["ItemProcessor"])


def _state_needs(state: Mapping[str, Any], machine: str, keys: Mapping[str, str]) -> Iterator[Need]:
    if state["Type"] == "Task":
        yield from _resource_needs(state, keys)
    elif state["Type"] == "Map" and state["ItemProcessor"]["ProcessorConfig"]["Mode"] == "DISTRIBUTED":
        yield from _resource_needs(state["ItemReader"], keys)
        yield Need("states:StartExecution", machine)
        execution = machine.replace(":stateMachine:", ":execution:")
        for action in ("DescribeExecution", "StopExecution"):
            yield Need(f"states:{action}", f"{execution}:job")
            yield Need(f"states:{action}", f"{execution}/map:item")
    elif state["Type"] not in ("Choice", "Fail", "Map", "Pass", "Succeed", "Wait"):
        raise NotReadableError(f"{state['Type']} is not known here")


def _resource_needs(state: Mapping[str, Any], keys: Mapping[str, str]) -> Iterator[Need]:
    parameters = state["Parameters"]
    if state["Resource"] == "arn:aws:states:::lambda:invoke":
        yield Need("lambda:InvokeFunction", parameters["FunctionName"])
    elif state["Resource"] == "arn:aws:states:::s3:getObject":
        (key,) = re.findall(r"^States\.Format\('([^']+)'", parameters["Key.$"])
        yield Need("s3:GetObject", f"arn:aws:s3:::{parameters['Bucket']}/{key}")
        if "s3" in keys:
            yield Need("kms:Decrypt", keys["s3"], (("kms:ViaService", (f"s3.{REGION}.amazonaws.com",)),))
    else:
        raise NotReadableError(f"{state['Resource']} is not known here")


def message_needs(
    properties: Mapping[str, Any], values: TemplateValues, keys: Mapping[str, str]
) -> set[Need]:
    """Return what Lambda needs in the name of a function to bring it the messages of a queue."""
    queue = values.of(properties["EventSourceArn"])
    needs = {
        Need(f"sqs:{action}", queue) for action in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
    }
    if "sqs" in keys:
        needs.add(Need("kms:Decrypt", keys["sqs"], (("kms:ViaService", (f"sqs.{REGION}.amazonaws.com",)),)))
    return needs


def log_needs(template: Mapping[str, Any], name: str, values: TemplateValues) -> set[Need]:
    """Return what Lambda needs in the name of a function to write its log."""
    group = values.of(template["Resources"][name]["Properties"]["LoggingConfig"]["LogGroup"])
    stream = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:log-stream:stream"
    return {Need("logs:CreateLogStream", stream), Need("logs:PutLogEvents", stream)}
