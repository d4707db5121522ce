"""The oracle is worth something as long as it does not lean on the engine."""

from __future__ import annotations

import ast
from pathlib import Path

TESTS = Path(__file__).parents[1]
MODULES = [*sorted((TESTS / "compat").glob("oracle*.py")), TESTS / "compat" / "data_sets.py"]
MODULES.append(TESTS / "support" / "codestreams.py")

# The keyed mapping, which is the same function by design, and what the file meta information says.
SHARED = {
    "dicomorph": {"__version__"},
    "dicomorph.dicom.stream.part10": {"IMPLEMENTATION_CLASS_UID", "IMPLEMENTATION_VERSION_NAME"},
    "dicomorph.dicom.engine.identity_mapper": {"IdentityMapper", "Namespace"},
}


def test_the_oracle_imports_nothing_of_the_engine_but_what_is_shared() -> None:
    assert len(MODULES) >= 6
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                assert not any(alias.name.startswith("dicomorph") for alias in node.names), path.name
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dicomorph"):
                names = {alias.name for alias in node.names}
                assert names <= SHARED.get(node.module or "", set()), path.name
