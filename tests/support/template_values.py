"""What the intrinsic functions of the template stand for, in an account of the tests."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.support.template_rules import listed

REGION: Final = "eu-central-1"
ACCOUNT: Final = "123456789012"  # moto's
NO_VALUE: Final = object()

_PSEUDO_PARAMETERS = {
    "AWS::AccountId": ACCOUNT,
    "AWS::NoValue": NO_VALUE,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": "dicomorph",
    "AWS::URLSuffix": "amazonaws.com",
}
# What follows "arn:aws:" of a resource, by its type.
_ARNS = {
    "AWS::DynamoDB::Table": "dynamodb:{region}:{account}:table/{name}",
    "AWS::KMS::Key": "kms:{region}:{account}:key/{name}",
    "AWS::Logs::LogGroup": "logs:{region}:{account}:log-group:{name}:*",
    "AWS::S3::Bucket": "s3:::{name}",
    "AWS::SQS::Queue": "sqs:{region}:{account}:{name}",
    "AWS::Lambda::Function": "lambda:{region}:{account}:function:{name}",
    "AWS::Serverless::Function": "lambda:{region}:{account}:function:{name}",
    "AWS::Serverless::StateMachine": "states:{region}:{account}:stateMachine:{name}",
}
_VARIABLE = re.compile(r"\$\{(!?)([^}]+)\}")


class NotReadableError(Exception):
    """A reader of the template met something that it does not know.

    To pass over it would be to guess, and the tests would prove less than they seem to.
    Whoever brings such a thing into the template teaches the reader first.
    """


def with_parameters(template: Mapping[str, Any], **values: Any) -> dict[str, Any]:
    """Return a template whose parameters have other defaults: as if it were deployed with these values."""
    parameters = dict(template["Parameters"])
    for name, value in values.items():
        parameters[name] = {**parameters[name], "Default": value}
    return {**template, "Parameters": parameters}


class TemplateValues:
    """Resolves the expressions of a template whose parameters have their defaults.

    Parameters
    ----------
    template : Mapping[str, Any]
        As `local.template.read_template` reads it.
    names : Mapping[str, str]
        The names of resources in the account, by their names in the template; others are
        called in the account as in the template.
    """

    def __init__(self, template: Mapping[str, Any], names: Mapping[str, str]) -> None:
        self._parameters = template.get("Parameters", {})
        self._conditions = template.get("Conditions", {})
        self._resources = template["Resources"]
        self._names = names
        self._functions: dict[str, Callable[[Any], Any]] = {
            "Fn::And": lambda terms: all(map(self.of, terms)),
            "Condition": lambda name: self.of(self._conditions[name]),
            "Fn::Equals": lambda terms: self.of(terms[0]) == self.of(terms[1]),
            "Fn::GetAtt": lambda path: self._attribute(*path),
            "Fn::If": lambda terms: self.of(terms[1] if self.of(self._conditions[terms[0]]) else terms[2]),
            "Fn::Join": lambda terms: terms[0].join(listed(self.of(terms[1]))),
            "Fn::Not": lambda terms: not self.of(terms[0]),
            "Fn::Sub": self._substituted,
            "Ref": self._referenced,
        }

    def of(self, node: Any) -> Any:
        """Return a part of the template with its expressions replaced by their values."""
        if isinstance(node, dict):
            if len(node) == 1:
                ((key, value),) = node.items()
                # The key of an IAM statement is called Condition, too; its value is no name.
                if key in self._functions and not (key == "Condition" and not isinstance(value, str)):
                    return self._functions[key](value)
                if key.startswith("Fn::"):
                    raise NotReadableError(f"{key} is not known here")
            values = {key: self.of(value) for key, value in node.items()}
            return {key: value for key, value in values.items() if value is not NO_VALUE}
        if isinstance(node, list):
            return [value for value in map(self.of, node) if value is not NO_VALUE]
        return node

    def arn(self, logical_id: str) -> str:
        """Return the ARN of a resource."""
        pattern = _ARNS[self._resources[logical_id]["Type"]]
        return "arn:aws:" + pattern.format(region=REGION, account=ACCOUNT, name=self.name(logical_id))

    def name(self, logical_id: str) -> str:
        """Return what a resource is called in the account."""
        resource = self._resources[logical_id]
        given = resource.get("Properties", {}).get("LogGroupName")
        return str(self.of(given)) if given else self._names.get(logical_id, logical_id)

    def _referenced(self, name: str) -> Any:
        if name in _PSEUDO_PARAMETERS:
            return _PSEUDO_PARAMETERS[name]
        if name in self._parameters:
            value = self._parameters[name]["Default"]
            return value.split(",") if self._parameters[name].get("Type") == "CommaDelimitedList" else value
        if self._resources[name]["Type"] == "AWS::Serverless::StateMachine":
            return self.arn(name)
        if self._resources[name]["Type"] == "AWS::SQS::Queue":
            return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/{self.name(name)}"
        return self.name(name)

    def _attribute(self, logical_id: str, attribute: str) -> str:
        if attribute == "Arn":
            return self.arn(logical_id)
        if attribute == "Name":
            return self.name(logical_id)
        raise NotReadableError(f"{attribute} of {logical_id} is not known here")

    def _substituted(self, argument: Any) -> str:
        text, given = (argument, {}) if isinstance(argument, str) else argument

        def value(found: re.Match[str]) -> str:
            literal, name = found.groups()
            if literal:
                return f"${{{name}}}"
            if name in given:
                return str(self.of(given[name]))
            logical_id, dot, attribute = name.partition(".")
            return str(self._attribute(logical_id, attribute) if dot else self._referenced(name))

        return _VARIABLE.sub(value, text)
