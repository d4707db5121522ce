"""The pictures of docs/architecture.md show what imports what."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import grimp
import pytest

PAGE = Path(__file__).parents[2] / "docs/architecture.md"
ROOTS = ("dicomorph", "functions", "local")

# The heading above a picture, to the package whose parts it shows.
PICTURES = {
    "Layers": "dicomorph",
    "Within `dicom`": "dicomorph.dicom",
    "Within `services`": "dicomorph.services",
}

Arrows = set[tuple[str, str]]


def drawn(heading: str) -> tuple[set[str], Arrows]:
    """Return the boxes and arrows of the picture below a heading."""
    below = PAGE.read_text("utf-8").partition(f"# {heading}\n")[2]
    kind, *lines = below.partition("```mermaid\n")[2].partition("```")[0].splitlines()
    assert kind == "flowchart TD"
    boxes: set[str] = set()
    arrows: Arrows = set()
    for line in lines:
        from_, to = ([box.strip() for box in side.split("&")] for side in without_labels(line).split("-->"))
        boxes.update(from_, to)
        arrows.update(product(from_, to))
    return boxes, arrows


def without_labels(line: str) -> str:
    return re.sub(r'\["[^"]*"\]', "", line)


def imported(package: str) -> tuple[set[str], Arrows]:
    """Return the parts of a package, and which imports which: directly, and by no other path as well."""
    graph = grimp.build_graph(*ROOTS, cache_dir=None)
    entries = set(ROOTS[1:]) if package == ROOTS[0] else set()
    parts = graph.find_children(package) | entries
    for part in parts:
        graph.squash_module(part)
    direct = {
        (part, other) for part in parts for other in graph.find_modules_directly_imported_by(part) & parts
    }
    bypassed = {
        (part, other)
        for (part, other), (same, first) in product(direct, direct)
        if part == same and first != other and graph.chain_exists(first, other)
    }
    short = {part: part.removeprefix(f"{package}.") for part in parts}
    return set(short.values()), {(short[part], short[other]) for part, other in direct - bypassed}


@pytest.mark.parametrize("heading", PICTURES)
def test_a_picture_shows_each_part_and_each_import_that_follows_from_no_other(heading: str) -> None:
    boxes, arrows = drawn(heading)
    parts, imports = imported(PICTURES[heading])
    assert boxes == parts
    assert not [f"{part} --> {other}" for part, other in sorted(imports - arrows)], "not drawn"
    assert not [f"{part} --> {other}" for part, other in sorted(arrows - imports)], "drawn, but not so"
