"""Commands and files that the pages of operations show do what they say."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import boto3
import pytest
import yaml

from local.template import read_template
from tests.support.index_schema import index_schema
from tests.support.quick_moto import quick_aws

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs/operations"


def _blocks(page: str, kind: str) -> list[str]:
    text = (PAGES / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{kind}\n((?:.*\n)*?)^```$", text, re.MULTILINE)


def test_what_was_lost_is_copied_back_but_jobs_and_counters(monkeypatch: pytest.MonkeyPatch) -> None:
    (script,) = _blocks("recover.md", "python")
    with quick_aws():
        client = boto3.client("dynamodb")
        for name in ("index", "restored"):
            client.create_table(TableName=name, **index_schema())
        keys = [
            *(f"Instance#{number}" for number in range(3)),
            "Study#1",
            "Property#x",
            "Job#1",
            "Jobs",
            "Counter#1",
        ]
        for key in keys:
            client.put_item(
                TableName="restored", Item={"PK": {"S": key}, "SK": {"S": "-"}, "Old": {"BOOL": True}}
            )
        client.put_item(TableName="index", Item={"PK": {"S": "Counter#1"}, "SK": {"S": "-"}})
        monkeypatch.setenv("TABLE", "index")
        exec(compile(script, "restore.py", "exec"), {})  # noqa: S102 - of our own page
        found = {item["PK"]["S"]: "Old" in item for item in client.scan(TableName="index")["Items"]}
    assert found == {**dict.fromkeys(keys[:5], True), "Counter#1": False}


def test_files_of_other_tools_can_be_read() -> None:
    (policy,) = _blocks("other-tools.md", "json")
    assert json.loads(policy)["Statement"][0]["Action"] == "sts:AssumeRoleWithWebIdentity"
    (workflow,) = _blocks("other-tools.md", "yaml")
    job = yaml.safe_load(workflow)["jobs"]["deploy"]
    assert (job["environment"], len(job["steps"])) == ("production", 6)
    (construct,) = _blocks("other-tools.md", "python")
    compile(construct, "stack.py", "exec")


def test_parameters_resources_and_outputs_that_other_tools_name_exist() -> None:
    template = read_template()
    text = (PAGES / "other-tools.md").read_text(encoding="utf-8")
    assert set(re.findall(r'outputs\["(\w+)"\]', text)) <= template["Outputs"].keys()
    assert set(re.findall(r'get_resource\("(\w+)"\)', text)) <= template["Resources"].keys()
    named = set(re.findall(r"\b([A-Z]\w+)\s*=", text)) & {"Settings", "MaxConcurrency", "CreateApiLogRole"}
    assert named <= template["Parameters"].keys()
    assert len(named) == 3


@pytest.mark.parametrize("page", ["operate.md", "recover.md", "deploy.md", "settings.md"])
def test_pages_for_a_clone_call_the_sam_that_make_installs(page: str) -> None:
    text = (PAGES / page).read_text(encoding="utf-8").partition("### From a release")
    clone = text[0] + text[2].partition("\n## ")[2]
    assert re.findall(r"(?<![\w/-])sam (?:build|deploy|delete|validate)\b", clone) == []


@pytest.mark.parametrize("is_built", [False, True])
def test_sizes_are_listed_of_what_was_built_or_is_built_for_it(tmp_path: Path, is_built: bool) -> None:  # noqa: FBT001
    shutil.copy(ROOT / "Makefile", tmp_path)
    if is_built:
        (tmp_path / ".aws-sam/build").mkdir(parents=True)
        (tmp_path / ".aws-sam/build/template.yaml").touch()
    done = subprocess.run(["make", "-n", "sizes"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ("sam build" in done.stdout) is not is_built
    assert done.stdout.index("tools/environment sam") < done.stdout.index("tools.build_sizes")
