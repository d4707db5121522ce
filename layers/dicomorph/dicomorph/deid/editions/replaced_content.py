"""What takes the place of content that goes, where the dummy of a VR will not do.

Items of sequences (`tables/dummy_items_2026d.json`), blank documents with what is said about them,
and attributes that make no sense without another one (`tables/dependent_attributes.json`).
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping
from importlib import resources
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from dicomorph.deid.documents import (
    CLINICAL_DOCUMENT_CLASS,
    CLINICAL_DOCUMENT_ID,
    KNOWN_MIME_TYPES,
    OCTETS,
    as_data_uri,
    blank_document,
    mime_type_of,
)
from dicomorph.deid.editions.resolution import Path
from dicomorph.dicom.engine.edit_plan import REMOVE, Action, Dummy, DummyKind, Rule
from dicomorph.dicom.values.leaves import ENCAPSULATED_DOCUMENT
from dicomorph.model.resources import Json

_MIME_TYPE: Final = 0x00420012
_LIST_OF_MIME_TYPES: Final = 0x00420014
_DOCUMENT_LENGTH: Final = 0x00420015
_HL7_INSTANCE_IDENTIFIER: Final = 0x0040E001
_REMEMBERED_CLASSES = 16  # five are known, hostile files name any


class _Variant(NamedTuple):
    """A sequence at some places: in these SOP classes (all, if none), directly in this sequence.

    No items mean that it goes, as all there is of a conditional module.
    """

    sop_classes: frozenset[str]
    inside: int | None
    items: Json

    def fits(self, path: Path, sop_class: str) -> bool:
        in_class = not self.sop_classes or sop_class in self.sop_classes
        return in_class and (self.inside is None or path[-1:] == (self.inside,))


def dummy_items(tag: int, path: Path, sop_class: str) -> Rule | None:
    """Return the rule for a sequence that takes a dummy, None if it is none of those that are known.

    Parameters
    ----------
    tag : int
        The sequence.
    path : Path
        The sequences around it.
    sop_class : str
        Of the instance.
    """
    for variant in _variants().get(tag, ()):
        if variant.fits(path, sop_class):
            return REMOVE if variant.items is None else _value(variant.items)
    return None


def document_rule(tag: int, path: Path, sop_class: str) -> Rule | None:
    """Return what happens to a document and what is said about it, None for any other attribute.

    In SOP classes that are not known the document is two zero bytes, and octets by its MIME type.
    """
    return None if path else _rules_of_document(sop_class).get(tag)


@functools.lru_cache(maxsize=_REMEMBERED_CLASSES)
def _rules_of_document(sop_class: str) -> Mapping[int, Rule]:
    mime_type = mime_type_of(sop_class) or OCTETS
    document = blank_document(mime_type)
    rules = {
        ENCAPSULATED_DOCUMENT: _value(as_data_uri(document)),
        _MIME_TYPE: _one_of(mime_type),
        _LIST_OF_MIME_TYPES: _one_of(mime_type, *KNOWN_MIME_TYPES),
        _DOCUMENT_LENGTH: _value(str(len(document))),
    }
    if sop_class == CLINICAL_DOCUMENT_CLASS:
        rules[_HL7_INSTANCE_IDENTIFIER] = _value(CLINICAL_DOCUMENT_ID)
    return rules


@functools.cache
def dependent_attributes() -> Mapping[int, frozenset[int]]:
    """Return the attributes that go where nothing is left of what they belong to, and that."""
    table = _table("dependent_attributes.json")
    return MappingProxyType(
        {int(tag, 16): frozenset(int(other, 16) for other in row["goes_with"]) for tag, row in table.items()}
    )


@functools.cache
def _variants() -> Mapping[int, tuple[_Variant, ...]]:
    table = _table("dummy_items_2026d.json")
    return {int(tag, 16): tuple(_read(row["variants"])) for tag, row in table.items()}


def _read(variants: list[dict[str, Any]]) -> Iterator[_Variant]:
    for variant in variants:
        inside = variant.get("inside")
        yield _Variant(
            frozenset(variant.get("sop_classes", ())),
            int(inside, 16) if inside else None,
            variant["items"],
        )


def _table(name: str) -> dict[str, Any]:
    file = resources.files("dicomorph.deid") / "tables" / name
    table: dict[str, Any] = json.loads(file.read_text(encoding="ascii"))
    return table


def _one_of(*terms: str) -> Rule:
    return Rule(Action.DUMMY, dummy=Dummy(DummyKind.TERM, list(terms)))


def _value(value: Json) -> Rule:
    return Rule(Action.DUMMY, dummy=Dummy(DummyKind.VALUE, value))
