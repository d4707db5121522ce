"""What AWS SAM, in an environment of its own, makes of the template; `make validate` runs these."""

import json
import os
import re
import shlex
import subprocess
from typing import Any

import pytest

from local.template import TEMPLATE, read_template
from tests.support import template_limits as limits

STACK = read_template()
SAM = TEMPLATE.parent / ".venv-sam/bin/python"
EXPAND = """
import json, sys
from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

class NoPolicies:
    def load(self):
        return {}

template = yaml_parse(sys.stdin.read())
for resource in template["Resources"].values():
    for name in ("CodeUri", "ContentUri", "DefinitionUri"):
        if name in resource.get("Properties", {}):
            resource["Properties"][name] = "s3://bucket/key"
print(json.dumps(transform(template, {}, NoPolicies())))
"""


pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SAM.exists(), reason="SAM is not set up; `make validate` does it"),
]


@pytest.fixture(scope="module")
def expanded() -> dict[str, Any]:
    """The template as SAM hands it to CloudFormation."""
    environment = {**os.environ, "SAM_CLI_TELEMETRY": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    text = TEMPLATE.read_text(encoding="utf-8")
    done = subprocess.run(
        [SAM, "-c", EXPAND], input=text, capture_output=True, text=True, check=True, env=environment
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_sams_resources_are_counted(expanded: dict[str, Any]) -> None:
    assert len(expanded["Resources"]) == limits.stack_resources(STACK)


def test_the_template_stays_below_a_megabyte(expanded: dict[str, Any]) -> None:
    assert len(json.dumps(expanded)) < limits.TEMPLATE_BYTES * limits.RESERVE


def test_sam_asks_for_a_signature_on_every_route(expanded: dict[str, Any]) -> None:
    paths = STACK["Resources"]["Api"]["Properties"]["DefinitionBody"]["paths"]
    body = expanded["Resources"]["Api"]["Properties"]["Body"]
    operations = [operation for path in body["paths"].values() for operation in path.values()]
    assert len(operations) > 2 * len(paths) - 10
    assert all(operation["security"] == [{"AWS_IAM": []}] for operation in operations)
    assert body["components"]["securitySchemes"]["AWS_IAM"]["x-amazon-apigateway-authtype"] == "awsSigv4"


READ_OVERRIDES = """
import json, sys
from samcli.cli.types import CfnParameterOverridesType

read = CfnParameterOverridesType().convert
print(json.dumps([read(tuple(given), None, None) for given in json.load(sys.stdin)]))
"""


def test_settings_reach_the_stack_as_the_page_quotes_them() -> None:
    page = (TEMPLATE.parent / "docs/operations/settings.md").read_text(encoding="utf-8")
    (written,) = re.findall(r"`parameter_overrides = \"\"\"(.*?)\"\"\"`", page)
    (command,) = re.findall(r"`\S+/sam deploy --parameter-overrides (.*?)`", page)
    (plain,) = re.findall(r"`aws cloudformation deploy --parameter-overrides (.*?)`", page)
    given = json.dumps([[written], shlex.split(command), shlex.split(plain)])
    done = subprocess.run(
        [SAM, "-c", READ_OVERRIDES], input=given, capture_output=True, text=True, check=True
    )
    of_file, of_command, eaten = json.loads(done.stdout)
    assert of_file == {"Settings": '{"StableAge":30}', "MaxConcurrency": "100"}
    assert of_command == {"Settings": '{"StableAge":30}'}
    # SAM's own way with what the other command takes: CloudFormation refuses it.
    assert not re.fullmatch(STACK["Parameters"]["Settings"]["AllowedPattern"], eaten["Settings"])
    assert shlex.split(plain) == ['Settings={"StableAge":30}']
