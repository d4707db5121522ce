"""Start every built function as Lambda would:  the last step of `make build`.

Each gets a Python of its own that sees the standard library, the function's folder and its layers,
and the environment variables of the template. It imports the handler and makes the clients, so that
a module or a description of a service that was left out of a layer is missed here, not on AWS.
The codecs, which are compiled for Lambda's processor, are looked for and not loaded.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tools.built_stack import BUILD, BuiltFunction, read_build

_CODECS = {"CodecsLayer": "dicomorph.transcoding.transcode imagecodecs numpy"}
"""What the code finds in a layer when there is something to convert, and not before."""

# Lambda looks into /var/task first, then into /opt/python.
_START = """
import json, sys, time
from importlib.util import find_spec
sys.path[:0] = sys.argv[2:]
for name in sys.argv[1].split():
    assert find_spec(name), f"{name} was not built"
started = time.perf_counter()
import app
imported = time.perf_counter()
assert callable(app.lambda_handler)
from dicomorph.bootstrap import get_backend
get_backend()
ready = time.perf_counter()
print(json.dumps({"import": imported - started, "clients": ready - imported, "modules": len(sys.modules)}))
"""

# What no stack has to name for a function to start.
_ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "eu-west-1",
    "AWS_ACCESS_KEY_ID": "none",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_CONFIG_FILE": os.devnull,
}


# With the defaults of parameters there is none, which a reference alone does not tell.
_ABSENT = ("SETTINGS_OBJECT",)


def main(build: Path = BUILD) -> None:
    """Start all functions; leave with status 1 if one does not come up."""
    functions = list(read_build(build))
    print(
        f"Starting {len(functions)} functions with Python {sys.version.split()[0]}, {_bytecode(functions)}:"
    )
    failures = [function.name for function in functions if not start(function)]
    if failures:
        raise SystemExit(f"Not everything that is needed was built; see above: {', '.join(failures)}")


def start(function: BuiltFunction) -> bool:
    """Start one function and print how long that took, or why it failed."""
    paths = [function.code, *(layer / "python" for layer in function.layers.values())]
    found_later = " ".join(_CODECS.get(layer, "") for layer in function.layers)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", _START, found_later, *map(str, paths)],
        env=_ENVIRONMENT | variables_of(function),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        print(f"{function.name}\n{done.stderr}")
        return False
    took = json.loads(done.stdout)
    times = f"{1000 * took['import']:5.0f} ms imports, {1000 * took['clients']:5.0f} ms clients"
    print(f"  {function.name:28} {times}, {took['modules']} modules")
    return True


def variables_of(function: BuiltFunction) -> dict[str, str]:
    """Return the environment that a function is started with here."""
    return {name: "" if name in _ABSENT else value for name, value in function.variables.items()}


def _bytecode(functions: list[BuiltFunction]) -> str:
    layers = {layer for function in functions for layer in function.layers.values()}
    tags = {path.name.split(".")[-2] for layer in layers for path in layer.rglob("*.pyc")}
    return f"layers hold bytecode of {', '.join(sorted(tags))}" if tags else "layers hold no bytecode"


if __name__ == "__main__":
    main()
