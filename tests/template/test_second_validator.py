"""The state machine's definition, held against a validator of Amazon States Language: `make test-second`."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local.template import TEMPLATE
from tests.support.second_dynamodb import MODULES

VALIDATOR = MODULES / ".bin/asl-validator"
DEFINITION = TEMPLATE.parent / "statemachines/modification.asl.json"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not VALIDATOR.exists(), reason="`make test-second` installs it"),
]


def _definition() -> dict[str, Any]:
    text = DEFINITION.read_text(encoding="utf-8")
    text = re.sub(r"\$\{(\w+)FunctionArn\}", r"arn:aws:lambda:eu-west-1:123456789012:function:\1", text)
    text = text.replace("${DicomBucketName}", "bucket")
    found: dict[str, Any] = json.loads(re.sub(r"\$\{\w+\}", "100", text))
    return found


def _complaint(definition: dict[str, Any], folder: Path) -> str:
    path = folder / "definition.json"
    path.write_text(json.dumps(definition))
    done = subprocess.run([VALIDATOR, "--json-path", path], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_the_definition_is_amazon_states_language(tmp_path: Path) -> None:
    assert _complaint(_definition(), tmp_path) == ""


def _lose_state(definition: dict[str, Any]) -> None:
    definition["StartAt"] = "Nowhere"


def _misspell(definition: dict[str, Any]) -> None:
    definition["States"]["PlanJob"]["Retries"] = definition["States"]["PlanJob"].pop("Retry")


def _never_end(definition: dict[str, Any]) -> None:
    definition["States"]["PlanJob"].pop("Next")


@pytest.mark.parametrize("defect", [_lose_state, _misspell, _never_end])
def test_a_defect_is_found(defect: Callable[[dict[str, Any]], None], tmp_path: Path) -> None:
    definition = _definition()
    defect(definition)
    assert _complaint(definition, tmp_path) != ""
