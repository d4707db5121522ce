"""Write the parts of template.yaml that follow from the table of routes and the list of functions.

Run it when a route or a function has come or gone:  make template
"""

from __future__ import annotations

import re
from pathlib import Path

from dicomorph.http.routes import ROUTES
from tools.api_paths import UNMATCHED, api_paths, function_name
from tools.marked_parts import replace_part, rewrite

TEMPLATE = Path(__file__).parent.parent / "template.yaml"

_FUNCTION = re.compile(r"^  (\w+)Function:\n    Type: AWS::Serverless::Function$", re.MULTILINE)

# What the first function spells out, the others take over by its anchors.
_FIRST_PERMISSION = """\
  {name}Permission:
    Type: AWS::Lambda::Permission
    Properties: &called-by-api
      Action: lambda:InvokeFunction
      FunctionName: !Ref {name}Function
      Principal: apigateway.amazonaws.com
      SourceArn: !Sub arn:${{AWS::Partition}}:execute-api:${{AWS::Region}}:${{AWS::AccountId}}:${{Api}}/*
"""
_PERMISSION = """\
  {name}Permission:
    Type: AWS::Lambda::Permission
    Properties: {{ <<: *called-by-api, FunctionName: !Ref {name}Function }}
"""
_LOG_GROUP = """\
  {name}LogGroup: {{ <<: *log-group }}
"""
_FIRST_ALARM = """\
  {name}Errors:
    Type: AWS::CloudWatch::Alarm
    Properties: &function-alarm
      AlarmDescription: A function failed or was throttled; docs/operations.md says what to do.
      Namespace: AWS/Lambda
      MetricName: Errors
      Dimensions: [{{ Name: FunctionName, Value: !Ref {name}Function }}]
      Statistic: Sum
      Period: 300
      EvaluationPeriods: 1
      Threshold: 0
      ComparisonOperator: GreaterThanThreshold
      TreatMissingData: notBreaching
      AlarmActions: [!Ref AlarmTopic]
"""
_ALARM = """\
  {name}Errors:
    Type: AWS::CloudWatch::Alarm
    Properties:
      <<: *function-alarm
      Dimensions: [{{ Name: FunctionName, Value: !Ref {name}Function }}]
"""
_SECOND_ALARM = """\
  {name}Throttles:
    Type: AWS::CloudWatch::Alarm
    Properties:
      <<: *function-alarm
      MetricName: Throttles
      Dimensions: [{{ Name: FunctionName, Value: !Ref {name}Function }}]
"""


def operated_functions(functions: list[str], called: set[str]) -> str:
    """Return what functions are called by and watched with.

    Parameters
    ----------
    functions : list[str]
        What their resources begin with, in the order of the template.
    called : set[str]
        Those of them that the API calls.
    """
    text = ""
    permission, alarm = _FIRST_PERMISSION, _FIRST_ALARM
    for name in functions:
        parts = [permission] if name in called else []
        parts += [_LOG_GROUP, alarm, _SECOND_ALARM]
        text += "\n" + "".join(part.format(name=name) for part in parts)
        permission, alarm = _PERMISSION if name in called else permission, _ALARM
    return text


def reading_roles(functions: list[str]) -> str:
    """Return the roles of the functions that have a backend, as items of a list."""
    return "".join(f"        - !Ref {name}Role\n" for name in functions if name != function_name(UNMATCHED))


def written(text: str) -> str:
    """Return a template with the generated parts as they should be.

    Raises
    ------
    SystemExit
        If a route names a function that the template lacks.
    """
    functions = _FUNCTION.findall(text)
    folders = {UNMATCHED, *(folder for methods in ROUTES.values() for folder in methods.values())}
    called = {function_name(folder) for folder in folders}
    if missing := sorted(called - set(functions)):
        raise SystemExit(f"Write out in template.yaml, with a role for each: {', '.join(missing)}")
    text = replace_part(text, "routes", api_paths())
    text = replace_part(text, "roles", reading_roles(functions))
    text = replace_part(text, "log groups", "".join(f"        - !Ref {name}LogGroup\n" for name in functions))
    return replace_part(text, "functions", operated_functions(functions, called))


def main() -> None:
    """Write the template."""
    rewrite(TEMPLATE, written(TEMPLATE.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
