"""A second, slow implementation of modification and anonymization, to compare the engine with.

It follows the steps of spec 3.3 on a whole data set in memory, with the deliberate differences
from Orthanc that docs/compatibility.md lists. It reads requests itself, and asks for the fate of
each element by the whole path to it. The tables of the profiles and the keyed mapping are the
engine's; the walk, the rules and the values are not.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, TypeAlias

from dicomorph.dicom.engine.identity_mapper import IdentityMapper, Namespace
from dicomorph.dicom.stream.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from tests.compat.data_sets import File, Node, Tree, character_set_of, read_file, write_file
from tests.compat.oracle_declaration import declared
from tests.compat.oracle_pixels import pixels_that_stay
from tests.compat.oracle_private import placed
from tests.compat.oracle_request import INSTANCE, PATIENT_ID, STUDY, Parents, Request
from tests.compat.oracle_rules import NAMESPACES, Fate, Path, Rules
from tests.compat.oracle_values import (
    PIXEL_DATA,
    TEXT,
    Values,
    emptied,
    even,
    identifier,
    known_vr,
    pixel_vr,
)
from tests.support.codestreams import clean_value

SOP_CLASS = 0x00080016
FIRST_DATA_SET_TAG = 0x00080000
References: TypeAlias = dict[tuple[Namespace, str], Any]


class Oracle:
    """One request, applied to any number of files."""

    def __init__(
        self, body: dict[str, Any], *, anonymize: bool, level: str, name: str, mapper: IdentityMapper
    ) -> None:
        self._body = body
        self._like = functools.partial(Oracle, anonymize=anonymize, level=level, name=name, mapper=mapper)
        self.request = Request(body, anonymize=anonymize, level=level, name=name)
        self.rules = Rules(self.request)
        self._values = Values(self.request.private_creator)
        self._mapper = mapper

    def apply(self, data: bytes) -> bytes:
        """Return the edited file."""
        return declared(self._body, data, lambda body: self._like(body)._apply(data))

    def _apply(self, data: bytes) -> bytes:
        file = read_file(data)
        tree, little = file.tree, file.is_little
        charset = character_set_of(tree, ["latin_1"])
        references = self._references(tree, charset)
        replace = placed(tree, self.request.replace, self.request.private_creator)
        if self.request.anonymize and PIXEL_DATA in tree and not tree[PIXEL_DATA].undefined:
            tree[PIXEL_DATA].value = pixels_that_stay(tree[PIXEL_DATA].value, tree, little=little)
        self._edit(tree, (), references, charset)
        self._replace(tree, replace, little=little)
        for tag in self.request.new_uids - tree.keys():
            absent, namespace = Node("UI"), NAMESPACES[tag]
            tree[tag] = self._mapped(absent, tag, namespace, references, charset, is_absent=True)
        self._follow_paths(tree, little=little)
        for tag in [tag for tag in tree if tag < FIRST_DATA_SET_TAG]:
            del tree[tag]
        if PIXEL_DATA in tree and tree[PIXEL_DATA].undefined and tree[PIXEL_DATA].vr == "OW":
            tree[PIXEL_DATA].vr = "OB"
        if self.request.anonymize and PIXEL_DATA in tree and tree[PIXEL_DATA].undefined:
            tree[PIXEL_DATA].value = clean_value(tree[PIXEL_DATA].value)
        return write_file(_with_meta(file))

    def _references(self, tree: Tree, charset: list[str]) -> References:
        if not self.request.anonymize:
            return {}
        replaced = self.request.replace
        return {
            (namespace, identifier(tree[tag].value, tag, charset)): replaced[tag]
            for tag, namespace in NAMESPACES.items()
            if tag in replaced and tag in tree
        }

    def _edit(self, tree: Tree, path: Path, references: References, charset: list[str]) -> None:
        """Apply what is decided element by element, from the outside in."""
        for tag, node in list(tree.items()):
            if not path and tag in self.request.replace:
                continue  # written later, whatever there is
            fate = self.rules.fate(path, tag)
            if fate is Fate.GONE or not _is_possible(fate, known_vr(node, tag), nested=bool(path)):
                del tree[tag]
            elif fate is Fate.EMPTY:
                tree[tag] = emptied(node, tag, nested=bool(path))
            elif fate is Fate.MAPPED:
                namespace = self.rules.namespace(path, tag)
                is_nobodys = not path and tag == PATIENT_ID and not identifier(node.value, tag, charset)
                tree[tag] = (
                    self._patient_of_study(node, tree)
                    if is_nobodys
                    else self._mapped(node, tag, namespace, references, charset)
                )
            else:
                for index, item in enumerate(node.items or []):
                    below = character_set_of(item, charset)
                    self._edit(item, (*path, (tag, index)), references, below)

    def _replace(self, tree: Tree, replace: dict[int, Any], *, little: bool) -> None:
        for tag, value in sorted({**self.request.marks, **replace}.items()):
            if tag & 0xFFFF and tag >= FIRST_DATA_SET_TAG:
                charset = character_set_of(tree, ["latin_1"])
                vr = pixel_vr([tree], tag)
                tree[tag] = self._values.node(tag, value, little=little, charset=charset, pixel_vr=vr)

    def _patient_of_study(self, node: Node, tree: Tree) -> Node:
        """Return a PatientID for a study whose patient has an empty one; its own UID comes later."""
        study = identifier(tree[STUDY].value, STUDY, []) if STUDY in tree else ""
        vr = known_vr(node, PATIENT_ID)
        return Node(vr, self._mapper.patient_id_of_study(study).encode()) if study else Node(vr)

    def _mapped(
        self,
        node: Node,
        tag: int,
        namespace: Namespace,
        references: References,
        charset: list[str],
        *,
        is_absent: bool = False,
    ) -> Node:
        vr = known_vr(node, tag)
        if namespace is Namespace.PATIENT:
            original = identifier(node.value, tag, charset)
            if not original:
                return Node(vr)
            new = references.get((namespace, original))  # an empty one, too
            new = self._mapper.patient_id(original) if new is None else new
        else:
            parts = (part.strip(" \0") for part in node.value.decode("latin-1").split("\\"))
            new = "\\".join(
                (references[namespace, part] or "")  # by nothing, too
                if (namespace, part) in references
                else self._mapper.uid(namespace, part)
                if part or is_absent
                else ""
                for part in parts
            )
        return Node(vr, even(new.encode("latin-1"), vr))

    def _follow_paths(self, tree: Tree, *, little: bool) -> None:
        for parents, tag in self.request.remove_paths:
            for _, (*_, item) in _items([tree], parents):
                item.pop(tag, None)
        relabelled = character_set_of(tree, ["latin_1"])
        for (parents, tag), value in self.request.replace_paths.items():
            for owner, trees in list(_items([tree], parents, relabelled)):
                if tag & 0xFFFF and tag >= FIRST_DATA_SET_TAG:
                    charset, vr = character_set_of(trees[-1], owner), pixel_vr(trees, tag)
                    node = self._values.node(tag, value, little=little, charset=charset, pixel_vr=vr)
                    trees[-1][tag] = node


def _is_possible(fate: Fate, vr: str, *, nested: bool) -> bool:
    """Tell whether an element can be emptied or mapped; otherwise it goes (spec 3.7, rule 4)."""
    if fate is Fate.EMPTY:
        return not nested or vr in TEXT
    return fate is not Fate.MAPPED or vr in TEXT


def _items(
    trees: list[Tree], parents: Parents, charset: list[str] | None = None
) -> Iterator[tuple[list[str], list[Tree]]]:
    """Yield what a path leads through, items last, with the character set of what is around these."""
    charset = charset or ["latin_1"]
    if not parents:
        yield charset, trees
        return
    (tag, wanted), *rest = parents
    node = trees[-1].get(tag)
    for index, item in enumerate(node.items or [] if node else []):
        if wanted in {None, index}:
            below = character_set_of(item, charset) if rest else charset
            yield from _items([*trees, item], tuple(rest), below)


def _with_meta(file: File) -> File:
    meta = {0x00020001: b"\0\1"}
    for tag, source in ((0x00020002, SOP_CLASS), (0x00020003, INSTANCE)):
        meta[tag] = even(file.tree.get(source, Node("UI")).value.rstrip(b"\0 "), "UI")
    meta[0x00020002] = meta[0x00020002] or even(b"1.2.276.0.7230010.3.1.0.1", "UI")  # as DCMTK
    meta[0x00020010] = even(file.syntax.encode(), "UI")
    meta[0x00020012] = even(IMPLEMENTATION_CLASS_UID.encode(), "UI")
    meta[0x00020013] = even(IMPLEMENTATION_VERSION_NAME[:16].encode(), "SH")
    return File(file.tree, file.syntax, meta, bytes(128))
