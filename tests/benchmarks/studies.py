"""The study that jobs are measured with: 500 CT images."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.benchmarks.files import ct

_GENERATOR = Path(__file__).resolve().parents[3] / "shared/bench/generate_dicom.py"
_IMAGES = 500


def ct_study(folder: Path) -> Path:
    """Write the study below a folder, by the generator of the benchmark data where it is at hand."""
    if _GENERATOR.exists():
        command = [sys.executable, str(_GENERATOR), str(folder), "--only", f"ct{_IMAGES}"]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return folder / f"ct{_IMAGES}"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, _IMAGES + 1):
        (folder / f"{number:04}.dcm").write_bytes(ct(number=number))
    return folder
