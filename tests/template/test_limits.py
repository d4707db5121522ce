"""What AWS counts stays below its limits, with a fifth in reserve, also once the planned routes have come."""

from typing import Any

import pytest

from local.template import read_template
from tests.support import template_limits as limits
from tests.support.template_rules import FUNCTION, of_type

STACK = read_template()
PATHS = set(STACK["Resources"]["Api"]["Properties"]["DefinitionBody"]["paths"])
RESERVE = limits.RESERVE

LEVELS = ("patients", "studies", "series", "instances")
ABOVE_INSTANCES = LEVELS[:3]
TOOLS = (
    "bulk-anonymize", "bulk-content", "bulk-delete", "bulk-modify", "count-resources", "create-archive",
    "create-dicom", "create-media", "dicom-conformance", "find", "generate-uid", "labels", "lookup", "now",
    "now-local", "reconstruct", "reset", "shutdown",
)  # fmt: skip
ARCHIVES = ("archive", "media", "instances-tags", "shared-tags")
ATTACHMENTS = (
    "compressed-data", "compressed-md5", "compressed-size", "data", "info", "is-compressed", "md5", "size",
    "verify-md5",
)  # fmt: skip
ROOT = ("changes", "exports", "modalities", "peers", "plugins", "queries", "tools", "uploads")

# What the API of Orthanc that this project follows has beyond the first routes (spec 2.4, 2.5 and 5).
PLANNED = {
    *(f"/{level}/{{id}}/{name}" for level in LEVELS for name in ("module", "reconstruct", "statistics")),
    *(f"/{level}/{{id}}/{n}" for level in ABOVE_INSTANCES for n in ARCHIVES),
    *(f"/{level}/{{id}}/attachments/{{name}}/{name}" for level in LEVELS for name in ATTACHMENTS),
    *(f"/jobs/{{id}}/{name}" for name in ("cancel", "pause", "resume", "resubmit", "{key}")),
    *(f"/tools/{name}" for name in TOOLS),
    *(f"/{name}" for name in ROOT),
    "/instances/{id}/content/{path+}",
    "/instances/{id}/frames",
    "/instances/{id}/header",
    "/patients/{id}/protected",
    "/studies/{id}/merge",
    "/studies/{id}/module-patient",
    "/studies/{id}/split",
}  # fmt: skip
PLANNED_FUNCTIONS = 12
"""Bulk jobs, split, merge, finding, archives, attachments, uploads and what they trigger, changes, tools."""


def test_the_stack_stays_below_500_resources() -> None:
    present = limits.stack_resources(STACK)
    assert present < limits.STACK_RESOURCES * RESERVE
    assert present + PLANNED_FUNCTIONS * limits.OF_A_FUNCTION < limits.STACK_RESOURCES * RESERVE


LONGEST = {
    "Settings": STACK["Parameters"]["Settings"]["MaxLength"],
    "IndexTable": 255,
    "DicomBucket": 63,
    "ModificationWorkflow": len("arn:aws-us-gov:states:ap-southeast-1:123456789012:stateMachine:") + 80,
    "MaxConcurrency": 5,
    "WorkerConcurrency": 5,
    "ArrivalRules": STACK["Parameters"]["ArrivalRules"]["MaxLength"],
    "Sweep": len("delete"),
    "SweepAfterDays": 4,
    "ArrivalQueue": len("https://sqs.ap-southeast-1.amazonaws.com/123456789012/") + 80,
}
"""Characters of what variables refer to."""


def _longest(value: Any) -> int:
    if not isinstance(value, dict):
        return len(str(value))
    # Settings that lie in the bucket leave the parameter as it was; versions have 32 characters.
    return LONGEST[value["Ref"]] if "Ref" in value else 0


@pytest.mark.parametrize("function", sorted(of_type(STACK, FUNCTION)))
def test_the_longest_settings_fit_into_the_variables_of_each_function(function: str) -> None:
    shared = STACK["Globals"]["Function"]["Environment"]["Variables"]
    own = of_type(STACK, FUNCTION)[function].get("Environment", {}).get("Variables", {})
    assert sum(len(name) + _longest(value) for name, value in {**shared, **own}.items()) < 4096
    of_object = 63 + len("/settings/settings.json?versionId=") + 32
    assert LONGEST["Settings"] + of_object < 4096 - 700


def test_a_function_is_as_many_resources_as_are_planned_for_one() -> None:
    names = [name for name in STACK["Resources"] if name.startswith("Browse")]
    assert len(names) == limits.OF_A_FUNCTION


def test_the_api_stays_below_300_resources() -> None:
    assert len(PATHS | PLANNED) > 150
    assert limits.api_resources(PATHS) < limits.API_RESOURCES * RESERVE
    assert limits.api_resources(PATHS | PLANNED) < limits.API_RESOURCES * RESERVE


def test_every_node_of_a_path_counts() -> None:
    assert limits.api_resources(["/", "/tools/find", "/tools/{name}/x"]) == 5


@pytest.mark.parametrize("function", sorted(of_type(STACK, FUNCTION)))
def test_a_functions_policy_stays_below_20_kb(function: str) -> None:
    # One permission for the whole API, whatever the number of its routes.
    assert limits.policy_bytes(STACK, function) < limits.POLICY_BYTES * RESERVE


def test_one_permission_a_route_would_not_fit() -> None:
    permission = STACK["Resources"]["BrowsePermission"]
    many = {**STACK, "Resources": {f"Browse{n}": permission for n in range(60)}}
    assert limits.policy_bytes(many, "BrowseFunction") > limits.POLICY_BYTES
