"""The paths of the API's definition in template.yaml, from the table of routes."""

from __future__ import annotations

from itertools import groupby

from dicomorph.http.routes import ROUTES, each_route

UNMATCHED = "unmatched"
"""The function for every other method of a path, and for every other path."""

_LONGEST_LINE = 120
_INDENT = " " * 10
_ANY = "x-amazon-apigateway-any-method"
_FIRST_RESPONSES = "&as-orthanc { default: { description: As Orthanc answers. } }"
_URI = (
    "arn:${AWS::Partition}:apigateway:${AWS::Region}:lambda:path/2015-03-31/functions/${%s.Arn}/invocations"
)
_INTEGRATION = """\
            {method}: &{anchor}
              responses: {responses}
              x-amazon-apigateway-integration:
                type: aws_proxy
                httpMethod: POST
                uri: !Sub {uri}
"""


def api_paths() -> str:
    """Return the paths, by topic. Each function's integration is written at its first route only."""
    anchors: set[str] = set()
    text = f"{_INDENT}/{{proxy+}}:\n{_operation(_ANY, UNMATCHED, anchors)}"
    topics: dict[str, str] = {}
    for topic, route in each_route():
        topics.setdefault(route.path, topic)
    for topic, paths in groupby(topics, topics.__getitem__):
        text += f"\n{_INDENT}# {topic}\n" + "".join(_path(path, anchors) for path in paths)
    return text


def function_name(folder: str) -> str:
    """Return what the resources of a function begin with, such as ``SplitStudy`` for ``split_study``."""
    return "".join(word.capitalize() for word in folder.split("_"))


def _path(path: str, anchors: set[str]) -> str:
    methods = {method.lower(): folder for method, folder in ROUTES[path].items()} | {_ANY: UNMATCHED}
    line = ", ".join(f"{method}: *{_anchor(folder)}" for method, folder in methods.items())
    line = f"{_INDENT}{path}: {{ {line} }}\n"
    if anchors.issuperset(methods.values()) and len(line) <= _LONGEST_LINE:
        return line
    operations = (_operation(method, folder, anchors) for method, folder in methods.items())
    return f"{_INDENT}{path}:\n{''.join(operations)}"


def _operation(method: str, folder: str, anchors: set[str]) -> str:
    anchor = _anchor(folder)
    if folder in anchors:
        return f"{_INDENT}  {method}: *{anchor}\n"
    responses = "*as-orthanc" if anchors else _FIRST_RESPONSES
    anchors.add(folder)
    uri = _URI % f"{function_name(folder)}Function"
    return _INTEGRATION.format(method=method, anchor=anchor, responses=responses, uri=uri)


def _anchor(folder: str) -> str:
    return folder.replace("_", "-")
