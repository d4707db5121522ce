"""List the sizes of what was built, unzipped, against Lambda's limit:  make sizes.

Lambda takes 250 MB for a function and its layers together, and counts a megabyte as 2**20 bytes.
"""

from __future__ import annotations

from pathlib import Path

from tools.built_stack import BUILD, BuiltFunction, read_build

MEGABYTE = 1 << 20
LIMIT = 250 * MEGABYTE
RESERVE = LIMIT // 5  # for dependencies, which grow with every upgrade


def main(build: Path = BUILD) -> None:
    """Print the sizes; leave with status 1 where one reaches into the reserve."""
    functions = list(read_build(build))
    layers = {name: size(path) for function in functions for name, path in function.layers.items()}
    totals = {function.name: total(function, layers) for function in functions}
    for name, used in (layers | totals).items():
        print(f"{name:28} {used / MEGABYTE:7.2f} MB {100 * used / LIMIT:5.1f} % of 250 MB")
    if over := [name for name, used in totals.items() if used > LIMIT - RESERVE]:
        allowed = f"{(LIMIT - RESERVE) / MEGABYTE:.0f} MB ({RESERVE / MEGABYTE:.0f} MB stay in reserve)"
        raise SystemExit(f"Too large, with their layers: {', '.join(over)}; at most {allowed}.")


def size(folder: Path) -> int:
    """Return the bytes of all files below a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def total(function: BuiltFunction, layers: dict[str, int]) -> int:
    """Return the bytes that Lambda unzips for a function."""
    return size(function.code) + sum(layers[name] for name in function.layers)


if __name__ == "__main__":
    main()
