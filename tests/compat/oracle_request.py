"""What the oracle reads of a request: names, paths and values, by pydicom's dictionary."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, TypeAlias

from pydicom.datadict import tag_for_keyword

from dicomorph import __version__

Parents: TypeAlias = tuple[tuple[int, int | None], ...]  # a sequence and an index, None for every item
Pattern: TypeAlias = tuple[Parents, int]

NAME, PATIENT_ID = 0x00100010, 0x00100020
STUDY, SERIES, INSTANCE = 0x0020000D, 0x0020000E, 0x00080018
LEVELS = {
    "Patient": {STUDY, SERIES, INSTANCE},
    "Study": {STUDY, SERIES, INSTANCE},
    "Series": {SERIES, INSTANCE},
    "Instance": {INSTANCE},
}


def tag_of(text: str) -> int:
    match = re.fullmatch(r"\(? *([0-9a-fA-F]{4})[,-]?([0-9a-fA-F]{4}) *\)?", text.strip())
    if match:
        return int(match[1] + match[2], 16)
    tag = tag_for_keyword(text.strip())
    assert tag is not None, text
    return tag


def pattern_of(text: str) -> Pattern:
    *parents, last = text.split(".")
    found: list[tuple[int, int | None]] = []
    for parent in parents:
        name, index = parent.strip().rstrip("]").split("[")
        found.append((tag_of(name), None if index.strip() == "*" else int(index)))
    return tuple(found), tag_of(last)


@dataclass
class Profile:
    """An edition's lists of tags, empty where nothing is anonymized."""

    remove: set[int] = field(default_factory=set)
    clear: set[int] = field(default_factory=set)
    map: set[int] = field(default_factory=set)
    method: str = ""

    @classmethod
    def of(cls, edition: str) -> Profile:
        file = resources.files("dicomorph.deid") / "tables" / f"basic_profile_{edition}.json"
        table = json.loads(file.read_text())
        tags = {part: {int(tag, 16) for tag in table[part]} for part in ("remove", "clear", "replace_uid")}
        return cls(tags["remove"], tags["clear"], tags["replace_uid"], table["method"])


class Request:
    """A request, taken apart: Keep over Replace over Remove (spec 3.1)."""

    def __init__(self, body: dict[str, Any], *, anonymize: bool, level: str, name: str) -> None:
        self.anonymize = anonymize
        keep = [pattern_of(text) for text in body.get("Keep", [])]
        remove = [pattern_of(text) for text in body.get("Remove", [])]
        replace = {pattern_of(text): value for text, value in sorted(body.get("Replace", {}).items())}
        self.keep_paths = [pattern for pattern in keep if pattern[0]]
        self.remove_paths = [pattern for pattern in remove if pattern[0]]
        self.replace_paths = {pattern: value for pattern, value in replace.items() if pattern[0]}
        self.keep = {tag for parents, tag in keep if not parents}
        self.replace = {
            tag: value for (parents, tag), value in replace.items() if not parents and tag not in self.keep
        }
        self.remove = {tag for parents, tag in remove if not parents} - self.keep - self.replace.keys()
        self.asked = self.keep | self.remove | self.replace.keys()
        self.new_uids = LEVELS["Patient" if anonymize else level] - self.keep - self.replace.keys()
        self.private_creator = body.get("PrivateCreator", "")
        self.removes_private = body.get("RemovePrivateTags", False) and not anonymize
        self.profile = Profile()
        self.marks: dict[int, Any] = {}
        if anonymize:
            self.removes_private = not body.get("KeepPrivateTags", False)
            self.profile = Profile.of(body.get("DicomVersion", "2023b"))
            self.marks = self._marks(body, name)

    def _marks(self, body: dict[str, Any], name: str) -> dict[int, Any]:
        method = f"Dicomorph {__version__}"
        if not any(body.get(part) for part in ("Keep", "Remove", "Replace", "KeepPrivateTags")):
            method += " - " + self.profile.method
        marks = {0x00120062: "YES", 0x00120063: method, NAME: name}
        return {tag: value for tag, value in marks.items() if tag not in self.asked}
