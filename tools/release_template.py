"""Make of a build what CloudFormation deploys by itself:  make release.

The build is cut into archives that are named after what is in them, and SAM's transform is done here, so
that whoever deploys needs neither SAM nor this repository: a bucket, two parameters, and CloudFormation,
the CDK, Terraform or a pipeline in front of it (docs/operations/other-tools.md). Runs with SAM's Python.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from local.template import read_template
from tools.api_deployments import Template, with_deployments
from tools.built_stack import BUILD

_CODE = ("CodeUri", "ContentUri", "DefinitionUri")
_PARAMETERS = {
    "ArtifactBucket": {
        "Type": "String",
        "Description": "The bucket of the same region in which the archives lie.",
    },
    "ArtifactPrefix": {
        "Type": "String",
        "Default": "dicomorph/{version}/",
        "AllowedPattern": "^$|^.*/$",
        "ConstraintDescription": "must end with a slash, or be empty",
        "Description": "What their keys begin with.",
    },
}


def main(folder: str) -> None:
    """Write the template and its archives into a folder named after the version, and that as one archive."""
    version = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    target = Path(folder) / f"dicomorph-{version}-cloudformation"
    target.mkdir(parents=True, exist_ok=True)
    for old in target.iterdir():
        old.unlink()
    if not (BUILD / "template.yaml").is_file():
        raise SystemExit("Nothing is built yet: run 'make build'.")

    def keep(data: bytes, suffix: str) -> str:
        name = f"{hashlib.sha256(data).hexdigest()[:32]}{suffix}"
        (target / name).write_bytes(data)
        return name

    template = released(read_template(BUILD / "template.yaml"), version, _archived(BUILD, keep), transformed)
    (target / "template.json").write_text(json.dumps(template, indent=1), encoding="utf-8")
    target.with_name(f"{target.name}.zip").write_bytes(zipped(target, with_bytecode=True))
    print(target)


def released(
    template: Template,
    version: str,
    archived: Callable[[str], str],
    transform: Callable[[Template], Template],
) -> Template:
    """Return a built template without anything that a transform would have to do.

    Parameters
    ----------
    archived : Callable[[str], str]
        Keeps what a place beside the template holds, and returns what the key of that ends with.
    transform : Callable[[Template], Template]
        SAM's.
    """
    parameters = {
        name: {key: text.format(version=version) if key == "Default" else text for key, text in one.items()}
        for name, one in _PARAMETERS.items()
    }
    resources = {name: _packaged(one, archived) for name, one in template["Resources"].items()}
    for resource in resources.values():
        resource["Properties"].pop("AlwaysDeploy", None)  # a deployment by the time of the transform
    whole = {**template, "Parameters": template["Parameters"] | parameters, "Resources": resources}
    expanded = transform(
        json.loads(json.dumps(whole))
    )  # nothing shared by anchors: the transform writes into it
    expanded.pop("Transform", None)
    expanded["Metadata"] = {"Version": version}
    return with_deployments(expanded)


def transformed(template: Template) -> Template:
    """Let SAM expand a template, whose parameters keep their names.

    Raises
    ------
    SystemExit
        If SAM has written into it where it is: it wants to know a region.
    """
    from samtranslator.translator.transform import transform  # type: ignore[import-not-found]  # noqa: PLC0415

    class _NoPolicies:
        def load(self) -> dict[str, str]:
            return {}

    parameters = template["Parameters"]
    # What has a default, SAM would replace by it.
    bare = {
        name: {key: value for key, value in one.items() if key != "Default"}
        for name, one in parameters.items()
    }
    os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")  # noqa: TID251 - a tool, and SAM asks for one
    place = {"AWS::Region": "xx-somewhere-1", "AWS::Partition": "xx-aws"}
    expanded: Template = transform({**template, "Parameters": bare}, dict(place), _NoPolicies())
    if found := [name for name, value in place.items() if value in json.dumps(expanded)]:
        raise SystemExit(f"SAM's transform has written {' and '.join(found)} into the template")
    return {**expanded, "Parameters": parameters}


def _packaged(resource: dict[str, Any], archived: Callable[[str], str]) -> dict[str, Any]:
    properties = dict(resource.get("Properties", {}))
    for name in _CODE:
        if name in properties:
            key = {"Fn::Sub": "${ArtifactPrefix}" + archived(properties[name])}
            properties[name] = {"Bucket": {"Ref": "ArtifactBucket"}, "Key": key}
    return {**resource, "Properties": properties}


def _archived(build: Path, keep: Callable[[bytes, str], str]) -> Callable[[str], str]:
    def archive(place: str) -> str:
        path = (build / place).resolve()
        if path.is_file():
            return keep(path.read_bytes(), "".join(path.suffixes))
        # Layers are compiled for Lambda; what functions were compiled to, they were by tests.
        return keep(zipped(path, with_bytecode=path.is_relative_to(build.resolve())), ".zip")

    return archive


def zipped(folder: Path, *, with_bytecode: bool) -> bytes:
    """Return a folder as an archive that is the same wherever and whenever it is made."""
    stream = io.BytesIO()
    with ZipFile(stream, "w", ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            if not with_bytecode and "__pycache__" in path.parts:
                continue
            member = ZipInfo(path.relative_to(folder).as_posix())
            member.external_attr = (0o755 if path.stat().st_mode & 0o100 else 0o644) << 16
            member.compress_type = ZIP_DEFLATED
            archive.writestr(member, path.read_bytes())
    return stream.getvalue()


if __name__ == "__main__":
    main(*sys.argv[1:])
