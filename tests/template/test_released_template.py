"""The template of a release, as SAM's transform makes it; `make validate` runs these."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import boto3
import pytest

from local.template import TEMPLATE, read_template
from tests.support.quick_moto import quick_aws
from tests.support.template_values import TemplateValues, with_parameters
from tools.release_template import zipped

ROOT = TEMPLATE.parent
SAM = ROOT / ".venv-sam/bin/python"
MAKE = """
import json, sys
from local.template import read_template
from tools.release_template import released, transformed
print(json.dumps(released(read_template(), "1.2.3", lambda place: place.replace("/", "-"), transformed)))
"""
with_sam = [
    pytest.mark.slow,
    pytest.mark.skipif(not SAM.exists(), reason="SAM is not set up; `make validate` does it"),
]


def _make() -> str:
    done = subprocess.run([SAM, "-c", MAKE], capture_output=True, text=True, check=True, cwd=ROOT)
    return done.stdout


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_make())
    return found


def _pairs() -> Iterator[Any]:
    """Yield values of all parameters, and one of them changed, from each kind of endpoint."""
    for name, parameter in read_template()["Parameters"].items():
        other = next((v for v in parameter.get("AllowedValues", ()) if v != parameter["Default"]), None)
        changed = other if other is not None else 7 if parameter["Type"] == "Number" else "x,y"
        for endpoints in ("", "vpce-1"):
            yield pytest.param({"VpcEndpointIds": endpoints}, name, changed, id=f"{name}-{endpoints}")


class TestReleased:
    pytestmark = with_sam

    def test_nothing_is_left_to_transform(self, template: dict[str, Any]) -> None:
        text = json.dumps(template)
        assert "Transform" not in template
        assert "Serverless" not in text.replace("Serverless-", "")
        assert template["Parameters"].keys() == {
            *read_template()["Parameters"],
            "ArtifactBucket",
            "ArtifactPrefix",
        }
        assert template["Parameters"]["ArtifactPrefix"]["Default"] == "dicomorph/1.2.3/"
        assert len(text) < 1_000_000

    def test_parameters_still_decide(self, template: dict[str, Any]) -> None:
        before = {name for name in read_template()["Parameters"] if _is_named(template, name)}
        assert before == set(read_template()["Parameters"])

    def test_it_is_the_same_whenever_it_is_made(self, template: dict[str, Any]) -> None:
        assert json.loads(_make()) == template

    def test_all_code_comes_from_the_bucket_that_was_named(self, template: dict[str, Any]) -> None:
        for resource in template["Resources"].values():
            if resource["Type"] == "AWS::Lambda::Function":
                code = resource["Properties"]["Code"]
                assert code["S3Bucket"] == {"Ref": "ArtifactBucket"}
                assert code["S3Key"]["Fn::Sub"].startswith("${ArtifactPrefix}")
        layers = _of_type(template, "AWS::Lambda::LayerVersion").values()
        assert len(layers) == len(_of_type(read_template(), "AWS::Serverless::LayerVersion"))
        assert {layer["Content"]["S3Bucket"]["Ref"] for layer in layers} == {"ArtifactBucket"}

    @pytest.mark.parametrize(("base", "name", "changed"), [*_pairs()])
    def test_the_stage_changes_with_the_api_whichever_parameter_changes_it(
        self, template: dict[str, Any], base: dict[str, str], name: str, changed: Any
    ) -> None:
        before, after = _api(template, **base), _api(template, **{**base, name: changed})
        assert (before[0] == after[0]) or (before[1] != after[1])
        assert (name == "VpcEndpointIds" and base == {"VpcEndpointIds": ""}) is (before[1] != after[1])

    def test_every_limit_of_the_stage_follows_at_once(self, template: dict[str, Any]) -> None:
        (stage,) = _of_type(template, "AWS::ApiGateway::Stage").values()
        assert {"ApiRateLimit", "ApiBurstLimit"} <= {
            n for n in template["Parameters"] if f'"{n}"' in json.dumps(stage)
        }

    @pytest.mark.filterwarnings("ignore:Tried to parse .* but it's not supported by moto")
    def test_linter_and_moto_take_it(self, template: dict[str, Any], tmp_path: Path) -> None:
        path = tmp_path / "template.json"
        path.write_text(json.dumps(template))
        lint = [sys.executable, "-m", "cfnlint", "--ignore-checks", "W1030", "W3002", "--", str(path)]
        done = subprocess.run(lint, capture_output=True, text=True, check=False)
        assert done.stdout == ""
        with quick_aws():
            _deploy(template)


def _deploy(template: dict[str, Any]) -> None:
    """Let moto create what it knows of the stack, and look at what came of it."""
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    known = _known_to_moto(template)
    for text in json.dumps(known).split("${ArtifactPrefix}")[1:]:
        name = text.partition('"')[0]
        path = ROOT / "statemachines/modification.asl.json"
        s3.put_object(Bucket="artifacts", Key=f"dicomorph/1.2.3/{name}", Body=path.read_bytes())
    s3.put_object(Bucket="artifacts", Key="template.json", Body=json.dumps(known).encode())
    cloud = boto3.client("cloudformation")
    cloud.create_stack(
        StackName="dicomorph",
        TemplateURL="https://artifacts.s3.eu-central-1.amazonaws.com/template.json",
        Parameters=[{"ParameterKey": "ArtifactBucket", "ParameterValue": "artifacts"}],
        Capabilities=["CAPABILITY_IAM"],
    )
    (stack,) = cloud.describe_stacks(StackName="dicomorph")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}
    assert boto3.client("dynamodb").describe_table(TableName=outputs["IndexTableName"])
    assert s3.list_objects_v2(Bucket=outputs["DicomBucketName"])["KeyCount"] == 0
    functions = boto3.client("lambda").list_functions()["Functions"]
    assert len(functions) == len(_of_type(template, "AWS::Lambda::Function"))


def _known_to_moto(template: dict[str, Any]) -> dict[str, Any]:
    """Return a template without what moto stumbles over.

    It takes no item out of a list for a parameter, and reads no definition of an API, whose name and
    methods it misses.
    """
    known: dict[str, Any] = json.loads(json.dumps(template))
    for kind in ("Deployment", "Stage"):
        for name in _of_type(known, f"AWS::ApiGateway::{kind}"):
            del known["Resources"][name]
    known["Resources"]["Api"]["Properties"]["Name"] = "dicomorph"
    for resource in known["Resources"].values():
        if resource["Type"] == "AWS::IAM::Role" and "Policies" in resource["Properties"]:
            policies = resource["Properties"]["Policies"]
            resource["Properties"]["Policies"] = [one for one in policies if "Fn::If" not in one]
    return known


def _of_type(template: dict[str, Any], kind: str) -> dict[str, Any]:
    return {name: r["Properties"] for name, r in template["Resources"].items() if r["Type"] == kind}


def _is_named(template: dict[str, Any], name: str) -> bool:
    text = json.dumps([template["Resources"], template["Conditions"]])
    return f'{{"Ref": "{name}"}}' in text or f"${{{name}}}" in text


def _api(template: dict[str, Any], **parameters: Any) -> tuple[Any, str]:
    """Return the API as it is deployed with parameters, and the deployment that the stage serves."""
    given = with_parameters(template, **parameters)
    values = TemplateValues(given, {})
    (api,) = _of_type(given, "AWS::ApiGateway::RestApi").values()
    (stage,) = _of_type(given, "AWS::ApiGateway::Stage").values()
    found = values.of(api)
    found["EndpointConfiguration"].pop("VpcEndpointIds", None)  # takes effect at once
    served: str = values.of(stage["DeploymentId"])
    assert values.of({"Condition": given["Resources"][served]["Condition"]}) is True
    return found, served


def test_the_same_files_make_the_same_archive(tmp_path: Path) -> None:
    archives: list[bytes] = []
    for place in ("here", "there"):
        folder = tmp_path / place
        for name in ("app.py", "below/words.py", "__pycache__/app.pyc"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(name)
        os.utime(folder / "app.py", (len(archives), 0))
        archives.append(zipped(folder, with_bytecode=False))
    assert archives[0] == archives[1]
    (tmp_path / "a.zip").write_bytes(archives[0])
    assert ZipFile(tmp_path / "a.zip").namelist() == ["app.py", "below/words.py"]
    assert len(zipped(tmp_path / "here", with_bytecode=True)) > len(archives[0])
