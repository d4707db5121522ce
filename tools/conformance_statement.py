"""Write the tables of docs/conformance-statement.md from the tables that de-identification goes by.

.venv/bin/python -m tools.conformance_statement
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from dicomorph.deid.editions.confidentiality import ALWAYS_REMOVED, DECIDED
from dicomorph.deid.editions.iod_types import Requirement, iod_types
from dicomorph.deid.editions.options import Option
from dicomorph.deid.editions.profile_table import (
    CONFORMANT_EDITIONS,
    beyond_the_table,
    profile_rows,
    telling_apart,
)
from dicomorph.deid.editions.replaced_content import dependent_attributes
from dicomorph.deid.safe_private import safe_elements
from dicomorph.dicom.standard.dictionary import find, keyword_of, vr_of
from dicomorph.dicom.standard.dummy_values import dummy_value
from dicomorph.dicom.standard.vrs import LONG_VRS, SHORT_VRS
from tools.marked_parts import replace_part, rewrite

PAGE = Path(__file__).parent.parent / "docs/conformance-statement.md"
NEWEST = CONFORMANT_EDITIONS[-1]
_OUTCOMES = {
    "X": "removed",
    "Z": "emptied",
    "D": "dummy",
    "U": "mapped",
    "K": "kept",
    "E": "title of its own",
}
_NAMES = {"K": "K of an option", "AE": "C of an option, titles"}


def page_with_tables() -> str:
    """Return the page with the tables as they should be."""
    text = PAGE.read_text(encoding="utf-8")
    for mark, lines in (
        ("actions", _actions()),
        ("rows", _rows()),
        ("required", _required()),
        ("always", _always()),
        ("beyond", _beyond()),
        ("keyed", _keyed()),
        ("options", _options()),
        ("dummies", _dummies()),
        ("dependents", _dependents()),
        ("private", _private()),
    ):
        text = replace_part(text, mark, "\n".join(["", *lines, "", ""]))
    return text


def _table(*head: str) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|---" * len(head) + "|"


def _actions() -> Iterator[str]:
    yield from _table(
        "code", "Type 1, 1C", "Type 2, 2C", "Type 3", "not defined there", "SOP class not known"
    )
    for code, letters in DECIDED.items():
        yield f"| {_NAMES.get(code, code)} | {' | '.join(_OUTCOMES[letter] for letter in letters)} |"


def _rows() -> Iterator[str]:
    counts = {
        edition: Counter(row.basic for row in profile_rows(edition).values())
        for edition in CONFORMANT_EDITIONS
    }
    codes = list(counts[NEWEST])
    yield from _table("edition", *codes, "together")
    for edition, count in counts.items():
        yield f"| {edition} | {' | '.join(str(count[code]) for code in codes)} | {count.total()} |"


def _required() -> Iterator[str]:
    """Yield the attributes that a plain code would let go though an object cannot be without them."""
    yield from _table("attribute", "code", "Type 1 or 1C in", "Type 2 or 2C in")
    types = iod_types()
    codes = {
        **{tag: beyond.action for tag, beyond in beyond_the_table().items()},
        **{tag: row.basic for tag, row in profile_rows(NEWEST).items()},
    }
    for tag, code in sorted(codes.items()):
        if code not in {"X", "Z", "X/Z"} or tag in ALWAYS_REMOVED:
            continue
        found = Counter(types.requirement(tag, (), sop_class) for sop_class in types.sop_classes())
        values, empties = found[Requirement.VALUE], found[Requirement.PRESENCE]
        if values or (empties and code == "X"):
            yield f"| {_named(tag)} | {code} | {values or ''} | {empties or ''} |"


def _always() -> Iterator[str]:
    return (f"- {_named(tag)}" for tag in sorted(ALWAYS_REMOVED))


def _beyond() -> Iterator[str]:
    yield from _table("attribute", "code", "reason")
    rows: Mapping[int, object] = beyond_the_table()
    for tag in _first_of_each(rows):
        row = beyond_the_table()[tag]
        yield f"| {_named(tag)} | {row.action} | {row.reason} |"


def _first_of_each(tags: Iterable[int]) -> Iterator[int]:
    """Yield tags, of a group of them with the same keyword the first."""
    seen = set()
    for tag in sorted(tags):
        keyword = keyword_of(tag)
        if keyword not in seen:
            seen.add(keyword)
            yield tag


def _keyed() -> Iterator[str]:
    return (f"- {_named(tag)}, {vr_of(tag)}" for tag in sorted(telling_apart()))


def _dummies() -> Iterator[str]:
    yield from _table("VR", "dummy")
    written: dict[str, list[str]] = {}
    for vr in sorted((SHORT_VRS | LONG_VRS) - {b"SQ", b"UN"}):
        written.setdefault(_shown(dummy_value(vr, "<")), []).append(vr.decode("ascii"))
    for value, vrs in sorted(written.items(), key=lambda item: item[1]):
        yield f"| {', '.join(vrs)} | {value} |"


def _shown(value: bytes) -> str:
    return f"`{value.decode('ascii').rstrip(chr(0) + ' ')}`" if any(value) else f"{len(value)} bytes of zero"


def _dependents() -> Iterator[str]:
    yield from _table("attribute", "goes with")
    for tag, others in sorted(dependent_attributes().items()):
        yield f"| {_named(tag)} | {', '.join(map(_named, sorted(others)))} |"


def _options() -> Iterator[str]:
    yield from _table("option", "code", "rows with K", "rows with C")
    for option in Option:
        letters = Counter(row.options.get(option) for row in profile_rows(NEWEST).values())
        name = option.name.title().replace("_", "").replace("Uids", "UIDs")
        yield f"| {name} | {option.value} | {letters['K']} | {letters['C']} |"


def _private() -> Iterator[str]:
    yield from _table("creator", "group", "elements")
    keys = sorted((key[7:], key[:4], int(key[4:6], 16)) for key in safe_elements())
    for (creator, group), of_both in itertools.groupby(keys, key=lambda key: key[:2]):
        lows = [low for _, _, low in of_both]
        yield f"| {creator} | {group.upper()} | {', '.join(_ranges(lows))} |"


def _ranges(numbers: list[int]) -> Iterator[str]:
    """Yield ascending numbers, in hexadecimal digits, each run of them by its ends."""
    for _, run in itertools.groupby(enumerate(numbers), key=lambda pair: pair[1] - pair[0]):
        ends = [f"{number:02X}" for _, number in run]
        yield ends[0] if len(ends) == 1 else f"{ends[0]}-{ends[-1]}"


def _named(tag: int) -> str:
    keyword = keyword_of(tag) if find(tag) else "no keyword yet"
    return f"{keyword} ({tag >> 16:04X},{tag & 0xFFFF:04X})"


if __name__ == "__main__":
    rewrite(PAGE, page_with_tables())
