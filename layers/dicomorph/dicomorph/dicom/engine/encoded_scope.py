"""What the walkers know of a scope under one character set and one encoding.

Rules are the same for all files, steps for all character sets. What depends on these is remembered
here: mapped identifiers, replacement values as elements, sequences that files repeat.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from dicomorph.dicom.engine.edit_plan import Action, Scope
from dicomorph.dicom.engine.identity_editors import Editor, Writing
from dicomorph.dicom.engine.identity_mapper import Namespace
from dicomorph.dicom.engine.judged_scope import JudgedScopes
from dicomorph.dicom.engine.learnt import ItemRules
from dicomorph.dicom.engine.preview import Preview, elements_of_item, preview
from dicomorph.dicom.engine.private_blocks import UNMOVED, Relocation
from dicomorph.dicom.engine.relocated_scope import RelocatedScope
from dicomorph.dicom.engine.rewriting import Rewriting
from dicomorph.dicom.engine.steps import Steps
from dicomorph.dicom.standard.dictionary import vr_of
from dicomorph.dicom.standard.tags import SPECIFIC_CHARACTER_SET
from dicomorph.dicom.stream.edit_script import Part
from dicomorph.dicom.stream.elements import Encoding, IrregularError
from dicomorph.dicom.stream.source import Buffer

# Hostile files must not grow what is remembered without bound.
REMEMBERED = 20_000  # of elements, for each scope
_REMEMBERED_SCOPES = 1_000  # a file may name any number of character sets in its items
_REMEMBERED_TOPS = 100  # files of a job declare few character sets
SHORT_ELEMENT = 64  # bytes, with its header, of one that is remembered as it is: longer ones hardly repeat
_LONGEST = 4096  # bytes of an element that is remembered


class EncodedScope:
    """A scope under one character set and one encoding.

    Parameters
    ----------
    scopes : EncodedScopes
        All of them under one plan.
    scope : Scope
        The rules.
    writing : Writing
        How the elements are written.
    """

    __slots__ = (
        "_editors",
        "_plain",
        "_scopes",
        "edits",
        "encoding",
        "first",
        "fitting",
        "items",
        "replaced",
        "replaces",
        "rewriting",
        "scope",
        "sequences",
        "steps",
        "substitutes",
        "writing",
    )

    def __init__(self, scopes: EncodedScopes, scope: Scope, writing: Writing) -> None:
        self._scopes = scopes
        self.rewriting = scopes.rewriting
        self.scope = scope
        self.writing = writing
        self.encoding = writing.encoding
        nested = scope is not scopes.rewriting.plan.root
        self.replaces = (bool(scope.replacements) or scope.looks_ahead) and nested
        self.steps = Steps.of(scope, writing.encoding, nested=nested)
        # The steps with which an item begins.
        self.first = self.steps.in_any_order if scopes.rewriting.is_ordered else self.steps.first
        self.items = _ItemScopesByKey(self)
        # What became of short sequences: enhanced objects repeat them for each frame.
        self.sequences: dict[bytes, bytes | None] = {}
        self.edits: dict[bytes, bytes] = {}
        self.replaced: dict[int, bytes] = {}
        self.substitutes = _Substitutes(self)
        self._editors: dict[Any, Editor] = {}
        self.fitting: set[bytes] = set()  # short elements whose values are such as their VRs hold
        self._plain: EncodedScope | None = None

    @property
    def plain(self) -> EncodedScope:
        """The same scope for elements that are neither replaced nor looked ahead for: `replaces` is false."""
        if self._plain is None:
            self._plain = EncodedScope(self._scopes, self.scope, self.writing)
            self._plain.replaces = False
        return self._plain

    def ahead(self, buffer: Buffer, pos: int, end: int) -> EncodedScope:
        """Return the scope for one item, after a look at its elements."""
        if not self.scope.looks_ahead and self.scope.judge is None:
            return self
        return self._scopes.previewed(self, self._preview(buffer, pos, end))

    def judged(self, buffer: Buffer, pos: int, end: int) -> EncodedScope:
        """Return the scope for one item, after a look at its private elements; the first is at a position.

        What stands before them was rewritten already: nothing in it depends on them.
        """
        return self._scopes.judged(self, self._preview(buffer, pos, end))

    def _preview(self, buffer: Buffer, pos: int, end: int) -> Preview:
        return preview(
            elements_of_item(buffer, pos, end, self.encoding),
            lambda start, stop: bytes(buffer[start:stop]),
            self.encoding,
            claims=self.scope.claims,
            judges=self.scope.judge is not None,
        )

    def under(self, raw_character_set: bytes) -> EncodedScope:
        """Return the same scope under the SpecificCharacterSet that was met."""
        return self._scopes.relabelled(self, raw_character_set)

    def in_item(self, scope: Scope, encoding: Encoding) -> EncodedScope:
        """Return the scope of an item in a data set of this one."""
        return self._scopes.nested(self, scope, encoding)

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
            editor = self._editors[key] = self._editor(key)
        if len(self.edits) >= REMEMBERED:
            self.edits.clear()
        counted = self.rewriting.counted
        found = editor(whole)
        if len(whole) <= _LONGEST and counted == self.rewriting.counted:
            self.edits[whole] = found
        return found

    def _editor(self, key: Any) -> Editor:
        tag, vr = self.steps.tag_and_vr(key)
        rule = self.steps.rules[tag]
        if rule.action is not Action.KEEP:
            return self.rewriting.editor(rule, self.writing, tag, vr)

        def check(whole: bytes) -> bytes:
            instead = self.checked(whole, 0, len(whole), key)
            return whole if instead is None else instead

        return check

    def checked(self, buffer: Buffer, pos: int, stop: int, key: Any) -> bytes | None:
        """Return what takes the place of a kept element whose value its VR cannot hold; None if it stays.

        Short ones that stay are remembered in `fitting`.

        Parameters
        ----------
        pos, stop : int
            Where the element begins, and where it ends.
        key : bytes or int
            The key of its step.
        """
        header, is_fitting = self.steps.checks[key]
        if is_fitting(buffer[pos + header : stop]):
            if stop - pos <= SHORT_ELEMENT:
                if len(self.fitting) >= REMEMBERED:
                    self.fitting.clear()
                self.fitting.add(buffer[pos:stop])
            return None
        return self.unfit(buffer[pos:stop], key)

    def unfit(self, whole: bytes, key: Any) -> bytes:
        """Return what takes the place of a kept element whose value its VR cannot hold."""
        tag, vr = self.steps.tag_and_vr(key)
        return self.rewriting.unfit_element(self.scope.unfit(tag), self.writing, tag, vr, whole)

    def declaring(self, value: bytes) -> bytes:
        """Return SpecificCharacterSet with a value, nothing if that is empty."""
        even = value + b" " if len(value) & 1 else value
        return self.encoding.element(SPECIFIC_CHARACTER_SET, b"CS", even) if value else b""

    def redeclared(self, raw: bytes) -> bytes | None:
        """Return what an item declares in place of its SpecificCharacterSet; None if that stays."""
        if self.steps.character_set is not Action.KEEP:
            return b""
        instead = self.rewriting.declaration(raw)
        return None if instead is None else self.declaring(instead)

    def replacement(self, tag: int, vr: bytes = b"") -> bytes:
        """Return the element that a replacement writes.

        Parameters
        ----------
        vr : bytes
            That of the element which it replaces, empty if there is none or it is not told.
        """
        if vr == b"SS" and self.writing.signed is None:  # nothing else says whether pixel values are signed
            return self._scopes.signed(self).replacement(tag)
        found = self.replaced.get(tag)
        if found is None:
            values = self.scope.replacements if self.steps.nested else self.rewriting.plan.replace
            name = self.scope.written_as.get(tag, tag)
            found = self.replaced[tag] = self.rewriting.element(self.writing, tag, values[tag], name)
        return found

    def missing(self, tag: int) -> bytes:
        """Return an element that the plan requires and the file lacks."""
        plan = self.rewriting.plan
        if tag in plan.replace:
            return self.replacement(tag)
        if tag in plan.appended:
            return self._appended(tag)
        if tag in plan.default:
            return self.rewriting.element(self.writing, tag, plan.default[tag], tag)
        namespace = self.scope.rule(tag).namespace or Namespace.INSTANCE
        return self.rewriting.identities.absent_uid(self.encoding, tag, namespace)

    def _appended(self, tag: int) -> bytes:
        found = self.replaced.get(tag)
        if found is None:
            value = self.rewriting.plan.appended[tag]
            found = self.replaced[tag] = self.rewriting.element(self.writing, tag, value, tag)
        return found


class ItemScopes:
    """The scopes of the items of a sequence."""

    __slots__ = ("_encoded", "_item_rules", "by_index", "first")

    def __init__(self, encoded: EncodedScope, item_rules: ItemRules) -> None:
        self._encoded = encoded
        self._item_rules = item_rules
        self.by_index = item_rules.by_index
        self.first = self._of(item_rules.scope)

    @property
    def changes(self) -> bool:
        """Whether the rules change anything in the items."""
        return self.first is not None or self.by_index

    def at(self, index: int) -> EncodedScope | None:
        """Return the scope of one item, None if nothing in it changes."""
        return self._of(self._encoded.scope.of_item(self._item_rules.tag, index))

    @property
    def is_known(self) -> bool:
        """Whether the dictionary knows them as those of a sequence."""
        return vr_of(self._item_rules.tag) == "SQ"

    def waits_for_order(self, error: Exception) -> bool:
        """Tell whether a walk failed where it may succeed once the file is in order (`stream.ordering`)."""
        return isinstance(error, IrregularError) and not self._encoded.rewriting.is_ordered

    def drops_unreadable(self) -> bool:
        """Tell whether to remove what only begins like these items, and count it then."""
        rewriting = self._encoded.rewriting
        rewriting.unreadable += rewriting.plan.is_anonymization
        rewriting.counted += rewriting.plan.is_anonymization
        return rewriting.plan.is_anonymization

    def joined(self, parts: list[Part]) -> bytes:
        """Return what parts of the file that is being walked amount to."""
        read = self._encoded.rewriting.window.read
        return b"".join(part if isinstance(part, bytes) else read(*part) for part in parts)

    def written_in(self, encoding: Encoding) -> ItemScopes:
        """Return the scopes of the same items in another encoding (`elements.encoding_inside`)."""
        if encoding == self._item_rules.encoding:
            return self
        return ItemScopes(self._encoded, self._item_rules._replace(encoding=encoding))

    def _of(self, scope: Scope | None) -> EncodedScope | None:
        return None if scope is None else self._encoded.in_item(scope, self._item_rules.encoding)


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


class _Substitutes(dict[Any, bytes]):
    """The elements that take the place of others whatever these hold, by the key of their step."""

    def __init__(self, encoded: EncodedScope) -> None:
        super().__init__()
        self._encoded = encoded

    def __missing__(self, key: Any) -> bytes:
        if len(self) >= REMEMBERED:
            self.clear()
        steps = self._encoded.steps
        tag, vr = steps.tag_and_vr(key)
        dummy = steps.rules[tag].dummy
        if dummy is None:  # `Action.EMPTY`
            found = steps.empty[key]
        else:
            found = self._encoded.rewriting.dummy(dummy, self._encoded.writing, tag, vr)
        self[key] = found
        return found


class EncodedScopes:
    """All scopes that were met while files were rewritten under one plan.

    Parameters
    ----------
    rewriting : Rewriting
        What they share.
    """

    def __init__(self, rewriting: Rewriting) -> None:
        self.rewriting = rewriting
        self._scopes: dict[Hashable, EncodedScope] = {}
        # Those of the top level, which each file asks for, by SpecificCharacterSet once it was met.
        self._tops: dict[tuple[Encoding, bool | None, bytes | None], EncodedScope] = {}
        self._relocations: dict[tuple[Scope, Relocation], RelocatedScope] = {}
        self._judged = JudgedScopes(self._scopes.clear)

    def begin_file(self) -> None:
        """Forget what was counted in the file before."""
        self._judged.begin_file()

    def root(self, encoding: Encoding, *, signed: bool | None = None) -> EncodedScope:
        """Return the scope of the top level, before SpecificCharacterSet was met."""
        return self._tops.get((encoding, signed, None)) or self._top(encoding, signed, None)

    def _top(self, encoding: Encoding, signed: bool | None, raw: bytes | None) -> EncodedScope:  # noqa: FBT001
        """Return the scope of the top level under a SpecificCharacterSet, if one was met, and remember it."""
        decoding = self.rewriting.declared(raw or b"")
        text = self.rewriting.relabelled_text(decoding)
        found = self._of(self.rewriting.plan.root, Writing(encoding, decoding, text, signed))
        if len(self._tops) >= _REMEMBERED_TOPS:
            self._tops.clear()
        self._tops[encoding, signed, raw] = found
        return found

    def nested(self, parent: EncodedScope, scope: Scope, encoding: Encoding) -> EncodedScope:
        """Return the scope of an item, in the character set of what surrounds it.

        Unless the request gives the item one: then that of its new text.
        """
        _, decoding, text, signed = parent.writing
        if SPECIFIC_CHARACTER_SET in scope.replacements:
            text = self.rewriting.character_set(scope.replacements[SPECIFIC_CHARACTER_SET])
        return self._of(scope, Writing(encoding, decoding, text, signed))

    def previewed(self, encoded: EncodedScope, found: Preview) -> EncodedScope:
        """Return the scope for one item, after a look at it; what it does not say, those around it do."""
        scope, writing = encoded.scope, encoded.writing
        signed = found.signed(scope, scope.replacements)
        if signed is not None:
            writing = writing._replace(signed=signed)
        raw = found.character_set
        decoding = self.rewriting.declared(raw) if raw else writing.decoding
        if scope.claims is not None:
            scope = self._relocated(scope, found.relocation(scope, scope.claims, decoding))
        return self._of(self._judged.scope(scope, found.verdicts(scope, decoding)), writing)

    def judged(self, encoded: EncodedScope, found: Preview) -> EncodedScope:
        """Return the scope for the rest of an item, after a look at its private elements."""
        verdicts = found.verdicts(encoded.scope, encoded.writing.decoding)
        return self._of(self._judged.scope(encoded.scope, verdicts), encoded.writing)

    def _relocated(self, scope: Scope, relocation: Relocation) -> Scope:
        if relocation == UNMOVED:
            return scope
        key = scope, relocation
        relocated = self._relocations.get(key)
        if relocated is None:
            if len(self._relocations) >= _REMEMBERED_SCOPES:
                self._relocations.clear()
            relocated = self._relocations[key] = RelocatedScope(scope, relocation, scope.replacements)
        return relocated

    def signed(self, encoded: EncodedScope) -> EncodedScope:
        """Return the same scope for pixel values that are signed."""
        return self._of(encoded.scope, encoded.writing._replace(signed=True))

    def relabelled(self, encoded: EncodedScope, raw: bytes) -> EncodedScope:
        """Return the same scope under the SpecificCharacterSet that was met."""
        encoding, _, text, signed = encoded.writing
        if not encoded.steps.nested:
            return self._tops.get((encoding, signed, raw)) or self._top(encoding, signed, raw)
        decoding = self.rewriting.declared(raw)
        if encoded.scope.rule(SPECIFIC_CHARACTER_SET).action is Action.KEEP:
            text = decoding  # else a path replaces or removes what was met
        return self._of(encoded.scope, Writing(encoding, decoding, text, signed))

    def _of(self, scope: Scope, writing: Writing) -> EncodedScope:
        encoding, decoding, text, signed = writing
        # Character sets are remembered by what declares them, and cost time to compare.
        key = scope, encoding, id(decoding), id(text), signed
        encoded = self._scopes.get(key)
        if encoded is None:
            if len(self._scopes) >= _REMEMBERED_SCOPES:
                self._scopes.clear()
            encoded = self._scopes[key] = EncodedScope(self, scope, writing)
        return encoded
