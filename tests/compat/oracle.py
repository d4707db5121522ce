"""A second, slow implementation of modification and anonymization, to compare the engine with.

It follows the steps of spec 3.3 on a whole data set in memory, with the deliberate differences
from Orthanc that docs/compatibility.md lists. It reads requests itself and finds its way by
explicit paths: only the keyed mapping and the tables of the profiles are the engine's.
"""

from __future__ import annotations

import json
import re
import struct
import warnings
from collections.abc import Callable, Iterator
from importlib import resources
from typing import Any, TypeAlias

from pydicom.charset import decode_bytes, encode_string
from pydicom.datadict import tag_for_keyword

from dicomorph import __version__
from dicomorph.dicom.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from dicomorph.dicom.uids import IdentityMapper, Namespace
from tests.compat.data_sets import File, Node, Tree, character_set_of, dictionary_vr, read_file, write_file

Path: TypeAlias = tuple[tuple[int, int], ...]
Pattern: TypeAlias = tuple[tuple[tuple[int, int | None], ...], int]

NAME, PATIENT_ID, CHARACTER_SET = 0x00100010, 0x00100020, 0x00080005
PIXEL_DATA = 0x7FE00010
STUDY, SERIES, INSTANCE, SOP_CLASS = 0x0020000D, 0x0020000E, 0x00080018, 0x00080016
NAMESPACES = {
    PATIENT_ID: Namespace.PATIENT,
    STUDY: Namespace.STUDY,
    SERIES: Namespace.SERIES,
    INSTANCE: Namespace.INSTANCE,
}
LEVELS = {
    "Patient": (STUDY, SERIES, INSTANCE),
    "Study": (STUDY, SERIES, INSTANCE),
    "Series": (SERIES, INSTANCE),
    "Instance": (INSTANCE,),
}
TEXT = frozenset(("AE", "AS", "CS", "DA", "DS", "DT", "IS", "LO", "LT", "PN", "SH", "ST", "TM")) | frozenset(
    ("UC", "UI", "UR", "UT")
)
NUMBERS = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d", "UV": "Q", "SV": "q"}
ALWAYS_REMOVED = (0x04000561, 0x4FFE0001, 0xFFFAFFFA, 0xFFFCFFFC)


def tag_of(text: str) -> int:
    match = re.fullmatch(r"\(?([0-9a-fA-F]{4})[,-]?([0-9a-fA-F]{4})\)?", text.strip())
    if match:
        return int(match[1] + match[2], 16)
    tag = tag_for_keyword(text.strip())
    assert tag is not None, text
    return tag


def pattern_of(text: str) -> Pattern:
    *parents, last = text.split(".")
    found: list[tuple[int, int | None]] = []
    for parent in parents:
        name, index = parent.rstrip("] ").split("[")
        found.append((tag_of(name), None if index.strip() == "*" else int(index)))
    return tuple(found), tag_of(last)


def matches(parents: tuple[tuple[int, int | None], ...], path: Path) -> bool:
    return all(
        tag == there and index in (None, at) for (tag, index), (there, at) in zip(parents, path, strict=True)
    )


class Oracle:
    """One request, applied to any number of files."""

    def __init__(
        self, body: dict[str, Any], *, anonymize: bool, level: str, name: str, mapper: IdentityMapper
    ) -> None:
        self.anonymize = anonymize
        self.mapper = mapper
        keep = [pattern_of(text) for text in body.get("Keep", [])]
        remove = [pattern_of(text) for text in body.get("Remove", [])]
        replace = {pattern_of(text): value for text, value in sorted(body.get("Replace", {}).items())}
        self.keep_paths = [pattern for pattern in keep if pattern[0]]
        self.remove_paths = [pattern for pattern in remove if pattern[0]]
        self.replace_paths = {pattern: value for pattern, value in replace.items() if pattern[0]}
        self.keep = {tag for parents, tag in keep if not parents}
        self.replace = {tag: value for (parents, tag), value in replace.items() if not parents}
        self.replace = {tag: value for tag, value in self.replace.items() if tag not in self.keep}
        self.remove = {tag for parents, tag in remove if not parents} - self.keep - self.replace.keys()
        self.remove_private = body.get("RemovePrivateTags", False)
        self.new_uids = set(LEVELS["Patient" if anonymize else level]) - self.keep - self.replace.keys()
        self.clear: set[int] = set()
        self.map: set[int] = set()
        self.marks: dict[int, Any] = {}
        self.nested_remove, self.nested_clear, self.nested_map = set[int](), set[int](), set[int]()
        if anonymize:
            self._take_profile(body, name)

    def _take_profile(self, body: dict[str, Any], name: str) -> None:
        self.remove_private = not body.get("KeepPrivateTags", False)
        edition = body.get("DicomVersion", "2023b")
        file = resources.files("dicomorph.deid") / "tables" / f"basic_profile_{edition}.json"
        table = json.loads(file.read_text())
        remove = {int(tag, 16) for tag in table["remove"]} | set(ALWAYS_REMOVED)
        clear = {int(tag, 16) for tag in table["clear"]}
        mapped = {int(tag, 16) for tag in table["replace_uid"]} | NAMESPACES.keys()
        asked = self.keep | self.remove | self.replace.keys()
        self.nested_remove = (remove - self.keep) | self.remove
        self.nested_clear = (clear | {NAME}) - self.keep - self.remove
        self.nested_map = mapped - (self.keep - {STUDY, SERIES, INSTANCE}) - self.remove
        self.remove |= remove - asked
        self.clear = clear - asked
        self.map = mapped - asked
        method = f"Dicomorph {__version__}"
        if not any(body.get(part) for part in ("Keep", "Remove", "Replace", "KeepPrivateTags")):
            method += " - " + table["method"]
        marks = {0x00120062: "YES", 0x00120063: method, NAME: name}
        self.marks = {tag: value for tag, value in marks.items() if tag not in asked}

    def apply(self, data: bytes) -> bytes:
        """Return the edited file."""
        file = read_file(data)
        tree = file.tree
        charset = character_set_of(tree, ["latin_1"])
        references = self._references(tree, charset)
        self._edit_top(tree, file, references, charset)
        if self.anonymize or self.remove_private:
            self._walk_items(tree, (), references, charset)
        for pattern in self.remove_paths:
            for _, item in self._items(tree, pattern[0]):
                item.pop(pattern[1], None)
        relabelled = character_set_of(tree, ["latin_1"])
        for pattern, value in self.replace_paths.items():
            for owner, item in list(self._items(tree, pattern[0], relabelled)):
                item[pattern[1]] = encode(pattern[1], value, file.is_little, character_set_of(item, owner))
        for tag in [tag for tag in tree if tag < 0x00080000]:
            del tree[tag]
        if PIXEL_DATA in tree and tree[PIXEL_DATA].undefined and tree[PIXEL_DATA].vr == "OW":
            tree[PIXEL_DATA].vr = "OB"
        return write_file(self._with_meta(file))

    def _references(self, tree: Tree, charset: list[str]) -> dict[tuple[Namespace, str], Any]:
        if not self.anonymize:
            return {}
        return {
            (namespace, identifier(tree[tag].value, tag, charset)): self.replace[tag]
            for tag, namespace in NAMESPACES.items()
            if tag in self.replace and tag in tree
        }

    def _edit_top(self, tree: Tree, file: File, references: Any, charset: list[str]) -> None:
        for tag in list(tree):
            graphic = tag >> 24 in (0x50, 0x60)
            private = tag >> 16 & 1
            if tag in self.keep or tag in self.replace:
                continue
            gone = (private and self.remove_private) or (graphic and not private and self.anonymize)
            if tag in self.remove or gone:
                del tree[tag]
            elif tag in self.clear:
                tree[tag] = emptied(tree[tag], tag)
            elif tag in self.map:
                self._map(tree, tag, NAMESPACES.get(tag, Namespace.INSTANCE), references, charset)
        for tag, value in sorted({**self.marks, **self.replace}.items()):
            if tag & 0xFFFF and tag >> 16 >= 8:
                tree[tag] = encode(tag, value, file.is_little, character_set_of(tree, ["latin_1"]))
        for tag in self.new_uids:
            if tag in self.map:
                tree.setdefault(tag, self._mapped(Node("UI"), tag, NAMESPACES[tag], references, charset))
            else:
                self._map(tree, tag, NAMESPACES[tag], references, charset)

    def _map(self, tree: Tree, tag: int, namespace: Namespace, references: Any, charset: list[str]) -> None:
        node = tree.get(tag, Node("UI"))
        vr = dictionary_vr(tag) if node.vr == "UN" else node.vr
        if vr not in TEXT:
            tree.pop(tag, None)
        else:
            tree[tag] = self._mapped(Node(vr, node.value), tag, namespace, references, charset)

    def _mapped(
        self, node: Node, tag: int, namespace: Namespace, references: Any, charset: list[str]
    ) -> Node:
        if namespace is Namespace.PATIENT:
            original = identifier(node.value, tag, charset)
            new = references.get((namespace, original))  # an empty one, too
            new = self.mapper.patient_id(original) if new is None else new
        else:
            parts = node.value.decode("latin-1").split("\\")
            new = "\\".join(
                references.get((namespace, part.strip(" \0")))
                or self.mapper.uid(namespace, part.strip(" \0"))
                for part in parts
            )
        return Node(node.vr, even(new.encode("latin-1"), node.vr))

    def _walk_items(self, tree: Tree, path: Path, references: Any, charset: list[str]) -> None:
        for tag, node in tree.items():
            if not path and tag in self.replace:
                continue  # what the request gives stays as it is given
            for index, item in enumerate(node.items or []):
                below = (*path, (tag, index))
                inner = character_set_of(item, charset)
                if tag >> 16 & 1 or self._covers(path, tag):
                    self._hide_names(item, below)
                else:
                    self._edit_item(item, below, references, inner)
                    self._walk_items(item, below, references, inner)

    def _covers(self, path: Path, tag: int) -> bool:
        """Tell whether a Keep names this element or a sequence around it."""
        whole = (*path, (tag, 0))
        if whole[0][0] in self.keep and (len(whole) > 1 or not path):
            return True
        for parents, last in self.keep_paths:
            depth = len(parents)
            if depth < len(whole) and matches(parents, whole[:depth]) and whole[depth][0] == last:
                return True
        return False

    def _edit_item(self, item: Tree, path: Path, references: Any, charset: list[str]) -> None:
        for tag in list(item):
            node, private = item[tag], tag >> 16 & 1
            vr = dictionary_vr(tag) if node.vr == "UN" else node.vr
            if self._covers(path, tag):
                continue
            if private and self.remove_private:
                del item[tag]
            elif not self.anonymize:
                continue
            elif tag in self.nested_remove or (
                tag >> 24 in (0x50, 0x60) and tag not in self.keep and not private
            ):
                del item[tag]
            elif tag in self.nested_clear:
                if vr in TEXT:
                    item[tag] = Node(vr)
                else:
                    del item[tag]
            elif tag in self.nested_map:
                rt_study = [0x30060010, 0x30060012]
                is_study = tag == 0x00081155 and [parent for parent, _ in path] == rt_study
                namespace = Namespace.STUDY if is_study else NAMESPACES.get(tag, Namespace.INSTANCE)
                self._map(item, tag, namespace, references, charset)

    def _hide_names(self, item: Tree, path: Path) -> None:
        """Empty PatientName in what is kept, unless it is named itself."""
        if not self.anonymize or NAME in self.keep:
            return
        exactly = any(
            last == NAME and len(parents) == len(path) and matches(parents, path)
            for parents, last in self.keep_paths
        )
        if NAME in item and not exactly:
            item[NAME] = Node("PN")
        for tag, node in item.items():
            for index, below in enumerate(node.items or []):
                self._hide_names(below, (*path, (tag, index)))

    def _items(
        self, tree: Tree, parents: tuple[tuple[int, int | None], ...], charset: list[str] | None = None
    ) -> Iterator[tuple[list[str], Tree]]:
        charset = charset or ["latin_1"]
        if not parents:
            yield charset, tree
            return
        (tag, wanted), *rest = parents
        node = tree.get(tag)
        for index, item in enumerate(node.items or [] if node else []):
            if wanted in (None, index):
                yield from self._items(
                    item, tuple(rest), character_set_of(item, charset) if rest else charset
                )

    def _with_meta(self, file: File) -> File:
        meta = {0x00020001: b"\0\1"}
        for tag, source in ((0x00020002, SOP_CLASS), (0x00020003, INSTANCE)):
            meta[tag] = even(file.tree.get(source, Node("UI")).value.rstrip(b"\0 "), "UI")
        meta[0x00020002] = meta[0x00020002] or even(b"1.2.276.0.7230010.3.1.0.1", "UI")  # as DCMTK
        meta[0x00020010] = even(file.syntax.encode(), "UI")
        meta[0x00020012] = even(IMPLEMENTATION_CLASS_UID.encode(), "UI")
        meta[0x00020013] = even(IMPLEMENTATION_VERSION_NAME[:16].encode(), "SH")
        return File(file.tree, file.syntax, meta, bytes(128))


def identifier(raw: bytes, tag: int, charset: list[str]) -> str:
    """Return the identifier that a value stands for, whatever its padding and character set."""
    if tag != PATIENT_ID:
        return raw.decode("latin-1").strip(" \0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return decode_bytes(raw, charset, set()).strip(" \0")


def emptied(node: Node, tag: int) -> Node:
    if node.items is not None:
        return Node("SQ", items=[])
    return Node(dictionary_vr(tag) if node.vr == "UN" else node.vr)


def even(value: bytes, vr: str) -> bytes:
    return value + (b"\0" if vr in {"UI", "OB", "UN", "OW"} else b" ") if len(value) & 1 else value


def encode(tag: int, value: Any, little: bool, charset: list[str]) -> Node:  # noqa: FBT001
    """Return what a replacement writes (spec 3.4), for the kinds of values that the plans use."""
    vr = dictionary_vr(tag) if not tag >> 16 & 1 else "UN"
    if vr == "SQ":
        items = []
        for item in value or []:
            below = {tag_of(name): inner for name, inner in (item or {}).items()}
            items.append({inner: encode(inner, below[inner], little, charset) for inner in sorted(below)})
        return Node("SQ", items=items)
    if not value:
        return Node(vr)
    if vr in NUMBERS:
        convert: Callable[[str], Any] = float if vr in {"FL", "FD"} else int
        code = ("<" if little else ">") + NUMBERS[vr]
        return Node(vr, b"".join(struct.pack(code, convert(part)) for part in value.split("\\")))
    encodings = charset if vr in {"LO", "LT", "PN", "SH", "ST", "UC", "UT", "UN"} else ["ascii"]
    return Node(vr, even(encode_string(value, encodings), vr))
