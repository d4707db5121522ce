import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_a_wheel_holds_the_package_at_its_top(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "wheel", "-qq", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", tmp_path, ROOT], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert "dicomorph/__init__.py" in ZipFile(wheel).namelist()


def test_the_layer_is_what_python_imports_on_lambda(tmp_path: Path) -> None:
    folder = ROOT / "layers/dicomorph"
    build = ["make", "-s", "-C", str(folder), "build-DicomorphLayer", f"ARTIFACTS_DIR={tmp_path}"]
    subprocess.run(build, check=True)
    assert files(tmp_path / "python") == {path for path in files(folder) if path.parts[0] == "dicomorph"}


def files(folder: Path) -> set[Path]:
    """Return what lies below a folder, apart from what Python left there."""
    paths = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
    return {path for path in paths if "__pycache__" not in path.parts}
