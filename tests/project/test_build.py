"""What `make build`, `make sizes` and `make deploy` do with what SAM built; CI runs the build itself."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import boto3
import pytest

from dicomorph.aws.backend import aws_backend
from dicomorph.aws.environment import read_environment
from dicomorph.model.settings import Settings
from local.template import read_template
from tests.support.quick_moto import quick_aws
from tools import build_check, build_sizes, deploy, release_archive
from tools.built_stack import read_build
from tools.deploy import Account

ROOT = Path(__file__).parents[2]
ENCODE_ALL = """
import sys
sys.path[:0] = sys.argv[1:]
import numpy as np
from dicomorph.transcoding.codecs import registry
from dicomorph.transcoding.pixels import Pixels
pixels = Pixels(16, 16)
frame = np.zeros((16, 16), np.uint8)
for syntax in registry.SYNTAXES:
    codec = registry.codec_of(syntax)
    assert codec.decode(codec.encode(frame, pixels, 90), pixels).shape == (16, 16), syntax
"""
TEMPLATE = {
    "Globals": {
        "Function": {"Layers": [{"Ref": "PackageLayer"}], "Environment": {"Variables": {"SETTINGS": "{}"}}}
    },
    "Resources": {
        "PackageLayer": {
            "Type": "AWS::Serverless::LayerVersion",
            "Properties": {"ContentUri": "PackageLayer"},
        },
        "ReadFunction": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "CodeUri": "../../functions/read",
                "Environment": {"Variables": {"TABLE": {"Ref": "Table"}}},
            },
        },
        "Table": {"Type": "AWS::DynamoDB::Table", "Properties": {}},
        "Workflow": {
            "Type": "AWS::Serverless::StateMachine",
            "Properties": {"DefinitionUri": "../../statemachines/read.asl.json"},
        },
    },
}
HANDLER = "import dicomorph.words\ndef lambda_handler(event, context): ...\n"
BOOTSTRAP = (
    "import json, os\ndef get_backend(): return json.loads(os.environ['SETTINGS']), os.environ['TABLE']\n"
)


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """Return a build of one function and one layer, with everything in it that they need."""
    build = tmp_path / ".aws-sam/build"
    files = {
        build / "template.yaml": json.dumps(TEMPLATE),
        build / "PackageLayer/python/dicomorph/bootstrap.py": BOOTSTRAP,
        build / "PackageLayer/python/dicomorph/words.py": "",
        tmp_path / "functions/read/app.py": HANDLER,
        tmp_path / "statemachines/read.asl.json": "{}",
        **{tmp_path / name: name for name in ("samconfig.toml", "CHANGELOG.md", "LICENSE")},
    }
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return build


def test_a_complete_build_starts(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    build_check.main(build)
    assert "ReadFunction" in capsys.readouterr().out


@pytest.mark.parametrize("missing", ["words.py", "bootstrap.py"])
def test_a_module_missing_in_a_layer_is_named(
    build: Path, missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (build / "PackageLayer/python/dicomorph" / missing).unlink()
    with pytest.raises(SystemExit, match="ReadFunction"):
        build_check.main(build)
    assert missing.removesuffix(".py") in capsys.readouterr().out


def test_what_is_installed_here_does_not_hide_what_a_layer_lacks(build: Path) -> None:
    (build / "../../functions/read/app.py").write_text("import boto3\n" + HANDLER)
    with pytest.raises(SystemExit):
        build_check.main(build)


@pytest.mark.parametrize("module", ["imagecodecs", "numpy", "dicomorph/transcoding/transcode"])
def test_a_function_that_converts_is_not_built_without_codecs(
    build: Path, module: str, capsys: pytest.CaptureFixture[str]
) -> None:
    template = json.loads((build / "template.yaml").read_text())
    template["Resources"]["CodecsLayer"] = template["Resources"]["PackageLayer"]
    template["Resources"]["ReadFunction"]["Properties"]["Layers"] = [{"Ref": "CodecsLayer"}]
    (build / "template.yaml").write_text(json.dumps(template))
    python = build / "PackageLayer/python"
    for path in ("imagecodecs.py", "numpy.py", "dicomorph/transcoding/transcode.py"):
        (python / path).parent.mkdir(exist_ok=True)
        (python / path).touch()
    build_check.main(build)
    (python / f"{module}.py").unlink()
    with pytest.raises(SystemExit, match="ReadFunction"):
        build_check.main(build)
    assert f"{module.replace('/', '.')} was not built" in capsys.readouterr().out


def test_each_function_is_started_with_an_environment_that_it_can_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    functions = list(read_build(ROOT))
    assert len(functions) > 10
    for function in functions:
        environment = read_environment(build_check.variables_of(function))
        backend = aws_backend(environment)
        assert (environment.settings, environment.settings_object) == ("{}", "")
        assert (environment.max_concurrency > 0) is (function.name == "PlanJobFunction")
        assert backend.settings == Settings()


def test_sizes_count_a_function_with_its_layers(build: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _fill(build / "PackageLayer/python/data.bin", 150)
    _fill(build / "../../functions/read/data.bin", 50)
    with pytest.raises(SystemExit, match=r"ReadFunction; at most 200 MB \(50 MB stay in reserve\)"):
        build_sizes.main(build)
    assert re.search(r"ReadFunction +200\.00 MB +80\.0 %", capsys.readouterr().out)


def test_sizes_below_the_reserve_pass(build: Path) -> None:
    _fill(build / "PackageLayer/python/data.bin", 199)
    build_sizes.main(build)


@pytest.mark.parametrize("tool", [build_check.main, build_sizes.main])
def test_without_a_build_one_line_says_so(tool: object, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="make build"):
        tool(tmp_path)  # type: ignore[operator]


def test_what_a_release_unpacks_to_is_deployed_and_starts_by_itself(build: Path, tmp_path: Path) -> None:
    release_archive.pack(tmp_path, tmp_path / "dicomorph-1.zip")
    ZipFile(tmp_path / "dicomorph-1.zip").extractall(tmp_path / "elsewhere")
    shutil.rmtree(build)
    unpacked = tmp_path / "elsewhere/dicomorph-1"
    build_check.main(unpacked / ".aws-sam/build")
    assert (unpacked / "statemachines/read.asl.json").read_text() == "{}"
    assert (unpacked / "samconfig.toml").exists()


def test_the_same_build_packs_to_the_same_bytes(build: Path, tmp_path: Path) -> None:
    release_archive.pack(tmp_path, tmp_path / "dicomorph-1.zip")
    packed = (tmp_path / "dicomorph-1.zip").read_bytes()
    for path in (build / "template.yaml", tmp_path / "functions/read/app.py"):
        path.chmod(0o664)  # another umask
        path.touch()
    release_archive.pack(tmp_path, tmp_path / "dicomorph-1.zip")
    assert (tmp_path / "dicomorph-1.zip").read_bytes() == packed


def test_the_layer_describes_the_services_that_have_clients() -> None:
    makefile = (ROOT / "layers/dependencies/Makefile").read_text()
    (kept,) = re.findall(r"^SERVICES := (.*)$", makefile, re.MULTILINE)
    adapters = [path.read_text() for path in (ROOT / "layers/dicomorph/dicomorph/aws").rglob("*.py")]
    assert set(kept.split()) == set(re.findall(r'boto3\.client\(\s*"(\w+)"', "".join(adapters)))


def test_the_layer_has_the_codecs_that_are_called() -> None:
    makefile = (ROOT / "layers/codecs/Makefile").read_text()
    (kept,) = re.findall(r"^CODECS := (.*)$", makefile, re.MULTILINE)
    package = (ROOT / "layers/dicomorph/dicomorph/transcoding").rglob("*.py")
    called = re.findall(r"imagecodecs\.(\w+)_(?:en|de)code", "".join(path.read_text() for path in package))
    assert set(kept.split()) == {{"packbits": "imcd"}.get(name, name) for name in called}


@pytest.mark.slow
def test_the_stripped_layer_still_encodes_and_decodes(tmp_path: Path) -> None:
    installed = Path(find_spec("imagecodecs").origin).parents[1]  # type: ignore[union-attr, arg-type]
    for name in ("imagecodecs", "imagecodecs.libs", "numpy", "numpy.libs"):
        shutil.copytree(installed / name, tmp_path / name)
    strip = ["make", "-s", "-C", str(ROOT / "layers/codecs"), "strip", f"TARGET={tmp_path}"]
    subprocess.run(strip, check=True)
    assert not list(tmp_path.glob("imagecodecs/_jpegxl*"))
    paths = [str(tmp_path), str(ROOT / "layers/dicomorph")]
    subprocess.run([sys.executable, "-I", "-S", "-c", ENCODE_ALL, *paths], check=True)


def test_the_same_package_gives_the_same_layer_wherever_it_lies(tmp_path: Path) -> None:
    built = []
    for place in ("here", "there/below"):
        folder = tmp_path / place
        shutil.copytree(ROOT / "layers/dicomorph", folder)
        (folder / "dicomorph/bootstrap.py").touch()  # another time of change
        target = folder / "artifacts"
        build = ["make", "-s", "-C", str(folder), "build-DicomorphLayer", f"ARTIFACTS_DIR={target}"]
        subprocess.run(build, check=True, capture_output=True)
        built.append({p.relative_to(target): (p.stat().st_mode, p.read_bytes()) for p in _files(target)})
    assert built[0] == built[1]


@pytest.fixture
def session() -> Iterator[boto3.Session]:
    with quick_aws():
        yield boto3.Session()


def test_a_first_deployment_is_told_from_a_later_one(session: boto3.Session) -> None:
    assert deploy.read_stack(session, "dicomorph").status is None
    bucket = json.dumps({"Resources": {"Bucket": {"Type": "AWS::S3::Bucket"}}})
    session.client("cloudformation").create_stack(StackName="dicomorph", TemplateBody=bucket)
    assert deploy.read_stack(session, "dicomorph").status == "CREATE_COMPLETE"


def test_missing_credentials_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name)
    with pytest.raises(SystemExit, match=r"\AAWS did not let you in .+\Z"):
        deploy.open_session({"region": "eu-west-1"})


def test_an_unknown_profile_is_one_line() -> None:
    with pytest.raises(SystemExit, match=r"\AAWS did not let you in .+\Z"):
        deploy.open_session({"profile": "nobody", "region": "eu-west-1"})


def test_a_missing_region_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(SystemExit, match=r"\ANo region: .+\Z"):
        deploy.open_session({})


def test_credentials_that_aws_accepts_open_a_session(session: boto3.Session) -> None:
    assert session.region_name == deploy.open_session({}).region_name


def test_an_empty_account_with_room_needs_no_note() -> None:
    assert not list(deploy.notes(Account(1000, None), read_template()))


def test_a_new_account_with_ten_functions_is_told_to_ask_for_more() -> None:
    (note,) = deploy.notes(Account(10, None), read_template())
    assert "10 Lambda functions at a time" in note
    assert "ask for more" in note


def test_the_role_that_other_apis_log_with_is_not_replaced_unasked() -> None:
    (note,) = deploy.notes(Account(1000, "arn:aws:iam::1:role/logs"), read_template())
    (parameter,) = re.findall(r"false to (\w+)", note)
    assert read_template()["Parameters"][parameter]["AllowedValues"] == ["false", "true"]


def test_the_stack_names_no_role_so_that_the_weaker_capability_is_enough() -> None:
    names = {"RoleName", "UserName", "GroupName", "ManagedPolicyName"}
    for name, resource in read_template()["Resources"].items():
        if resource["Type"].startswith("AWS::IAM::") or resource["Type"].startswith("AWS::Serverless::"):
            assert not names & resource.get("Properties", {}).keys(), name


def _fill(path: Path, megabytes: int) -> None:
    """Make a file of a size that takes no room on the disk."""
    with path.open("wb") as stream:
        stream.truncate(megabytes << 20)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
