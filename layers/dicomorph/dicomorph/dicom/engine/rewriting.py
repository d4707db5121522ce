"""What the walkers ask for while they rewrite: scopes, mapped identifiers, replacement elements."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial
from typing import Any

from dicomorph.dicom.engine.edit_plan import Action, EditPlan, Scope
from dicomorph.dicom.engine.identity_editors import Editor, IdentityEditors, References, Writing
from dicomorph.dicom.engine.identity_mapper import IdentityMapper, Namespace
from dicomorph.dicom.engine.steps import ItemRules, Steps
from dicomorph.dicom.frames.pixel_data import without_comments
from dicomorph.dicom.standard.tags import PIXEL_DATA, SPECIFIC_CHARACTER_SET
from dicomorph.dicom.stream.elements import Encoding
from dicomorph.dicom.stream.windows import Window
from dicomorph.dicom.text.charsets import CharacterSet
from dicomorph.model.resources import Json

# Hostile files must not grow what is remembered without bound.
REMEMBERED = 20_000  # of elements, for each scope
_REMEMBERED_SCOPES = 1_000  # a file may name any number of character sets in its items
_LONGEST = 4096  # bytes of an element that is remembered


class EncodedScope:
    """A scope under one character set and one encoding, with all that the walkers know of it.

    Parameters
    ----------
    rewriting : Rewriting
        What all scopes of a rewrite share.
    scope : Scope
        The rules.
    decoding, encoding_text : CharacterSet
        Of the original, and of replacements (they differ where the request relabels).
    encoding : Encoding
        How the elements are written.
    """

    __slots__ = (
        "_editors",
        "decoding",
        "edits",
        "encoding",
        "encoding_text",
        "items",
        "nested",
        "replaced",
        "replaces",
        "rewriting",
        "scope",
        "sequences",
        "steps",
    )

    def __init__(
        self,
        rewriting: Rewriting,
        scope: Scope,
        decoding: CharacterSet,
        encoding_text: CharacterSet,
        encoding: Encoding,
    ) -> None:
        self.rewriting = rewriting
        self.scope = scope
        self.decoding = decoding
        self.encoding_text = encoding_text
        self.encoding = encoding
        self.nested = scope is not rewriting.plan.root
        self.replaces = bool(scope.replacements) and self.nested
        self.steps = Steps.of(scope, encoding, nested=self.nested)
        self.items = _ItemScopesByKey(self)
        # What became of short sequences: enhanced objects repeat them for each frame.
        self.sequences: dict[bytes, bytes | None] = {}
        self.edits: dict[bytes, bytes] = {}
        self.replaced: dict[int, bytes] = {}
        self._editors: dict[Any, Editor] = {}

    def under(self, raw_character_set: bytes) -> EncodedScope:
        """Return the same scope under another character set."""
        return self.rewriting.relabelled(self, raw_character_set)

    def edit(self, whole: bytes, key: Any) -> bytes:
        """Return the element that takes the place of another, and remember it in `edits` unless it is long.

        Parameters
        ----------
        whole : bytes
            The element with its header.
        key : bytes or int
            The key of its step.
        """
        editor = self._editors.get(key)
        if editor is None:
            if len(self._editors) >= REMEMBERED:
                self._editors.clear()
            editor = self._editors[key] = self.rewriting.editor(self, *self.steps.tag_and_vr(key))
        if len(self.edits) >= REMEMBERED:
            self.edits.clear()
        found = editor(whole)
        if len(whole) <= _LONGEST:
            self.edits[whole] = found
        return found


class ItemScopes:
    """The scopes of the items of a sequence."""

    __slots__ = ("_encoded", "_item_rules", "by_index", "first")

    def __init__(self, encoded: EncodedScope, item_rules: ItemRules) -> None:
        self._encoded = encoded
        self._item_rules = item_rules
        self.by_index = item_rules.by_index
        self.first = self._of(item_rules.scope)

    def at(self, index: int) -> EncodedScope | None:
        """Return the scope of one item, None if nothing in it changes."""
        return self._of(self._encoded.scope.of_item(self._item_rules.tag, index))

    def written_in(self, encoding: Encoding) -> ItemScopes:
        """Return the scopes of the same items in another encoding (`elements.encoding_inside`)."""
        if encoding == self._item_rules.encoding:
            return self
        return ItemScopes(self._encoded, self._item_rules._replace(encoding=encoding))

    def _of(self, scope: Scope | None) -> EncodedScope | None:
        if scope is None:
            return None
        return self._encoded.rewriting.nested(self._encoded, scope, self._item_rules.encoding)


class _ItemScopesByKey(dict[Any, ItemScopes]):
    """The scopes of the items of each sequence that was met, by the key of its step."""

    def __init__(self, encoded: EncodedScope) -> None:
        super().__init__()
        self._encoded = encoded

    def __missing__(self, key: Any) -> ItemScopes:
        if len(self) >= REMEMBERED:
            self.clear()
        items = self[key] = ItemScopes(self._encoded, self._encoded.steps.item_rules[key])
        return items


class Rewriting:
    """The state that the rewrites of files under one plan share.

    Parameters
    ----------
    plan : EditPlan
        What to do.
    mapper : IdentityMapper
        Where new identifiers come from.
    default_encoding : str
        Orthanc's name of the encoding that files without SpecificCharacterSet have.
    references : Mapping[tuple[Namespace, str], Json]
        Originals of replaced identifiers to their replacements (`EditPlan.references`).
    """

    window: Window  # of the file that is being walked

    def __init__(
        self,
        plan: EditPlan,
        mapper: IdentityMapper,
        default_encoding: str,
        references: References,
    ) -> None:
        self.plan = plan
        self._default_encoding = default_encoding
        self._identities = IdentityEditors(mapper, references, plan.encoder)
        self._scopes: dict[Hashable, EncodedScope] = {}

    @property
    def base(self) -> int:
        """Return the position in the source of the buffer that is being walked."""
        return self.window.base

    def root(self, encoding: Encoding) -> EncodedScope:
        """Return the scope of the top level, before SpecificCharacterSet was met."""
        default = CharacterSet.of(b"", default_encoding=self._default_encoding)
        return self._encoded(self.plan.root, default, self._relabelled_text(default), encoding)

    def nested(self, parent: EncodedScope, scope: Scope, encoding: Encoding) -> EncodedScope:
        """Return the scope of items, in the character set of what surrounds them.

        Unless the request gives the items one: then that of their new text.
        """
        text = parent.encoding_text
        if SPECIFIC_CHARACTER_SET in scope.replacements:
            text = self._character_set(scope.replacements[SPECIFIC_CHARACTER_SET])
        return self._encoded(scope, parent.decoding, text, encoding)

    def relabelled(self, encoded: EncodedScope, raw: bytes) -> EncodedScope:
        """Return the same scope under the SpecificCharacterSet that was met."""
        decoding = CharacterSet.of(raw, default_encoding=self._default_encoding)
        if not encoded.nested:
            text = self._relabelled_text(decoding)
        elif encoded.scope.rule(SPECIFIC_CHARACTER_SET).action is Action.KEEP:
            text = decoding
        else:  # a path replaces or removes what was met
            text = encoded.encoding_text
        return self._encoded(encoded.scope, decoding, text, encoded.encoding)

    def _relabelled_text(self, original: CharacterSet) -> CharacterSet:
        """Return what replacement text is encoded in (spec 3.5): the request may relabel the file."""
        action = self.plan.root.rule(SPECIFIC_CHARACTER_SET).action
        if action is Action.KEEP:
            return original
        return self._character_set(
            self.plan.replace.get(SPECIFIC_CHARACTER_SET) if action is Action.REPLACE else None
        )

    def _character_set(self, value: Json) -> CharacterSet:
        raw = value.encode("ascii", "replace") if isinstance(value, str) else b""
        return CharacterSet.of(raw, default_encoding=self._default_encoding)

    def _encoded(
        self, scope: Scope, decoding: CharacterSet, text: CharacterSet, encoding: Encoding
    ) -> EncodedScope:
        key = (scope, decoding, text, encoding)
        encoded = self._scopes.get(key)
        if encoded is None:
            if len(self._scopes) >= _REMEMBERED_SCOPES:
                self._scopes.clear()
            encoded = self._scopes[key] = EncodedScope(self, scope, decoding, text, encoding)
        return encoded

    def replacement(self, encoded: EncodedScope, tag: int) -> bytes:
        """Return the element that a replacement writes."""
        found = encoded.replaced.get(tag)
        if found is None:
            value = (encoded.scope.replacements if encoded.nested else self.plan.replace)[tag]
            found = self.plan.encoder.element(tag, value, encoded.encoding, encoded.encoding_text)
            encoded.replaced[tag] = found
        return found

    def editor(self, encoded: EncodedScope, tag: int, vr: bytes) -> Editor:
        """Return what turns an element into the one that takes its place: mapped, or without comments."""
        if tag == PIXEL_DATA:
            return partial(without_comments, encoding=encoded.encoding)
        namespace = encoded.scope.rule(tag).namespace or Namespace.INSTANCE
        writing = Writing(encoded.encoding, encoded.decoding, encoded.encoding_text)
        return self._identities.editor(writing, tag, vr, namespace)

    def missing(self, encoded: EncodedScope, tag: int) -> bytes:
        """Return an element that the plan requires and the file lacks."""
        if tag in self.plan.replace:
            return self.replacement(encoded, tag)
        if tag in self.plan.default:
            value = self.plan.default[tag]
            return self.plan.encoder.element(tag, value, encoded.encoding, encoded.encoding_text)
        vr = b"UI" if encoded.encoding.explicit else b""
        return self.editor(encoded, tag, vr)(encoded.encoding.header(tag, vr, 0))
