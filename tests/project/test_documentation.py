"""What the pages say of settings, routes, the stack and the editions is so, and links lead somewhere."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom._uid_dict import UID_dictionary
from pydicom.datadict import dictionary_VR
from pydicom.dataset import Dataset

from dicomorph.http.routes import ROUTES
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.settings import Settings, parse_settings
from local.template import read_template
from tests.support.api_client import make_dicom
from tests.support.edits import anonymized
from tools import compatibility

ROOT = Path(__file__).parents[2]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
STACK = read_template()


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    """Return what stands below a heading, up to the next heading."""
    return re.split(r"^#+ ", text.partition(f"# {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def table(text: str) -> Iterator[list[str]]:
    """Yield the rows of the first table, without its heading."""
    for line in re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)[0].splitlines()[2:]:
        yield [cell.strip() for cell in line.strip("|").split(" | ")]


def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    titles = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_pages_and_headings(path: Path) -> None:
    for link in re.findall(r"\]\((?!http)([^)]+)\)", path.read_text(encoding="utf-8")):
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_pages_that_the_code_names_exist() -> None:
    folders = ("functions", "layers", "local", "tests", "tools", ".github")
    files = [*ROOT.glob("*"), *(path for folder in folders for path in (ROOT / folder).rglob("*"))]
    named: dict[str, Path] = {}
    for file in files:
        if file.suffix in {".py", ".toml", ".yaml", ".yml"} or file.name == "Makefile":
            named |= dict.fromkeys(re.findall(r"docs/[\w/.-]+\.md", file.read_text("utf-8")), file)
    assert "docs/operations.md" in named
    for name, file in named.items():
        assert (ROOT / name).exists(), f"{file.relative_to(ROOT)} names {name}"


def test_every_setting_is_described_with_its_default() -> None:
    rows = list(table(section(page("operations/settings.md"), "Settings")))
    with pytest.raises(BadFileFormatError) as error:
        parse_settings({"?": 0})
    known = error.value.details.partition("Known settings: ")[2].split(", ")
    assert sorted(name.strip("`") for name, *_ in rows) == known
    for name, default, _ in rows:
        if default.startswith("`"):
            assert parse_settings({name.strip("`"): json.loads(default.strip("`"))}) == Settings(), name


def expanded(route: str) -> Iterator[str]:
    """Yield the routes that a row of the table stands for."""
    levels = ("patients", "studies", "series", "instances")
    names = dict(zip(levels, ("patient", "study", "series", "instance"), strict=True))
    for place, level in enumerate(levels):
        values = {
            "{level}": [level],
            "{upper}": [level] if level != "instances" else [],
            "{below}": levels[place + 1 :],
            "{above}": [names[one] for one in levels[:place]],
        }
        used = [name for name in values if name in route]
        for chosen in product(*(values[name] for name in used)):
            found = route
            for name, value in zip(used, chosen, strict=True):
                found = found.replace(name, value)
            yield found


def test_the_list_of_routes_is_current() -> None:
    text = page("compatibility.md")
    assert compatibility.written(text) == text, "make generated"


def test_every_route_is_listed_with_its_methods() -> None:
    listed: dict[str, set[str]] = {}
    for routes, methods, *_ in table(section(page("compatibility.md"), "Routes")):
        for route in re.findall(r"`(/[^`]*)`", routes):
            for one in expanded(route):
                listed.setdefault(one, set()).update(methods.split(", "))
    assert listed == {route: set(methods) for route, methods in ROUTES.items()}


def test_every_difference_names_tests_that_exist() -> None:
    differences = page("compatibility.md").split("## Differences in de-identification")[1].split("\n## ")[0]
    rows = [line for line in differences.splitlines() if line.startswith("|")][2:]
    assert len(rows) > 10
    defined = {
        name
        for file in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
    }
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row)
        assert named, row
        assert set(named) <= defined, row


def test_every_fault_names_files_of_tests_that_exist() -> None:
    for row in table(section(page("testing.md"), "Faults")):
        folder = ""
        for found in re.findall(r"`([\w/]+\.py)`", row[-1]):
            folder = found.rpartition("/")[0] or folder  # a folder counts for those behind it
            assert (ROOT / "tests" / folder / Path(found).name).exists(), found


def test_every_parameter_of_the_stack_is_described() -> None:
    described = {
        name for cell, _ in table(section(page("operations/deploy.md"), "The first deployment"))
        for name in re.findall(r"`(\w+)`", cell)
    }  # fmt: skip
    assert described == set(STACK["Parameters"])


FILLED: dict[str, Any] = {
    "SQ": [Dataset()],
    "DA": "20200101",
    "DT": "20200101101500",
    "TM": "101500",
    "CS": "X",
    "OB": b"%PDF-1.7",
}


WORDS = {"ImageType": ["ORIGINAL", "PRIMARY"], "BodyPartExamined": "CHEST"}


@pytest.mark.parametrize("edition", ["2008", "2017c", "2021b", "2023b"])
def test_the_editions_do_what_the_table_says(edition: str) -> None:
    heading = "Dates, texts and documents in each edition"
    columns = ["2008", "2017c", "2021b", "2023b"]
    for names, *fates in table(section(page("deidentification.md"), heading)):
        for keyword in re.findall(r"[A-Z]\w+", re.sub(r"\(.*\)", "", names)):
            assert fate(keyword, edition) == fates[columns.index(edition)], keyword


def test_the_newest_edition_does_what_its_table_says() -> None:
    classes = {UID_dictionary[uid][0]: uid for uid in UID_dictionary}
    for names, sop_class, said in table(section(page("deidentification.md"), "Some attributes in 2026d")):
        for keyword in re.findall(r"\w+", names):
            assert fate(keyword, "2026d", SOPClassUID=classes[sop_class]) == said, keyword


def fate(keyword: str, edition: str, **values: Any) -> str:
    """Return what becomes of an attribute."""
    values[keyword] = WORDS.get(keyword) or FILLED.get(dictionary_VR(keyword), "text")
    source = make_dicom("PAT", **values)
    made = pydicom.dcmread(io.BytesIO(anonymized(source, DicomVersion=edition)))
    if keyword not in made:
        return "removed"
    if made[keyword].is_empty:
        return "emptied"
    return "kept" if made[keyword] == pydicom.dcmread(io.BytesIO(source))[keyword] else "replaced"
