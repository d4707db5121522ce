"""What the walkers ask for while they rewrite: tables, mapped identifiers, replacement elements."""

from __future__ import annotations

from collections.abc import Hashable

from dicomorph.dicom.action_tables import SPECIFIC_CHARACTER_SET, Editor, ExplicitTable, ImplicitTable, Table
from dicomorph.dicom.charsets import CharacterSet
from dicomorph.dicom.dictionary import vr_of
from dicomorph.dicom.edit_plan import Action, EditPlan, Scope
from dicomorph.dicom.elements import Encoding
from dicomorph.dicom.uids import IdentityMapper, Namespace
from dicomorph.dicom.windows import Window
from dicomorph.model.resources import Json

_REMEMBERED = 20_000


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
    references : dict[tuple[Namespace, str], Json]
        Originals of replaced identifiers to their replacements (`EditPlan.references`).
    """

    window: Window  # of the file that is being walked

    def __init__(
        self,
        plan: EditPlan,
        mapper: IdentityMapper,
        default_encoding: str,
        references: dict[tuple[Namespace, str], Json],
    ) -> None:
        self.plan = plan
        self._mapper = mapper
        self._default_encoding = default_encoding
        self._references = references
        self._tables: dict[Hashable, Table] = {}
        self._replacements: dict[Hashable, bytes] = {}

    @property
    def base(self) -> int:
        """Return the position in the source of the buffer that is being walked."""
        return self.window.base

    def root(self, encoding: Encoding) -> Table:
        """Return the table of the top level, before SpecificCharacterSet was met."""
        default = CharacterSet.of(b"", default_encoding=self._default_encoding)
        return self._table(self.plan.root, default, self._relabelled_text(default), encoding)

    def nested(self, parent: Table, scope: Scope, encoding: Encoding) -> Table:
        """Return the table for items below a sequence, in the character set of their parent."""
        return self._table(scope, parent.decoding, parent.encoding_text, encoding)

    def relabelled(self, table: Table, raw: bytes) -> Table:
        """Return the table for the same scope under the SpecificCharacterSet that was met."""
        decoding = CharacterSet.of(raw, default_encoding=self._default_encoding)
        text = decoding if table.nested else self._relabelled_text(decoding)
        return self._table(table.scope, decoding, text, table.encoding)

    def _relabelled_text(self, original: CharacterSet) -> CharacterSet:
        """Return what replacement text is encoded in (spec 3.5): the request may relabel the file."""
        action = self.plan.root.rule(SPECIFIC_CHARACTER_SET).action
        if action is Action.KEEP:
            return original
        value = self.plan.replace.get(SPECIFIC_CHARACTER_SET) if action is Action.REPLACE else None
        raw = value.encode("ascii", "replace") if isinstance(value, str) else b""
        return CharacterSet.of(raw, default_encoding=self._default_encoding)

    def _table(self, scope: Scope, decoding: CharacterSet, text: CharacterSet, encoding: Encoding) -> Table:
        key = (scope, decoding, text, encoding)
        table = self._tables.get(key)
        if table is None:
            if len(self._tables) >= _REMEMBERED:
                self._tables.clear()
            kind = ExplicitTable if encoding.explicit else ImplicitTable
            table = self._tables[key] = kind(self, scope, decoding, text, encoding)
        return table

    def replacement(self, table: Table, tag: int) -> bytes:
        """Return the element that a replacement writes."""
        key = (table.scope, tag, table.encoding_text, table.encoding)
        found = self._replacements.get(key)
        if found is None:
            value = (table.scope.replacements if table.nested else self.plan.replace)[tag]
            found = self.plan.encoder.element(tag, value, table.encoding, table.encoding_text)
            self._replacements[key] = found
        return found

    def editor(self, table: Table, tag: int, vr: bytes) -> Editor:
        """Return what turns the value of an element into the element that takes its place.

        An element that came as UN gets its dictionary VR.
        """
        rule = table.scope.rule(tag)
        if vr == b"UN":
            vr = vr_of(tag).encode()[:2]
        if rule.action is Action.EMPTY:
            empty = table.encoding.header(tag, vr, 0)
            return lambda _value: empty
        if rule.namespace is Namespace.PATIENT:
            return self._patient_id_editor(table, tag, vr)
        return self._uid_editor(table, tag, vr, rule.namespace or Namespace.INSTANCE)

    def _patient_id_editor(self, table: Table, tag: int, vr: bytes) -> Editor:
        def edit(value: bytes) -> bytes:
            original = table.decoding.decode(value).strip(" \0")
            replaced = self._references.get((Namespace.PATIENT, original))
            if replaced is not None:
                return self.plan.encoder.element(tag, replaced, table.encoding, table.encoding_text)
            return table.encoding.element(tag, vr, self._mapper.patient_id(original).encode("ascii"))

        return edit

    def _uid_editor(self, table: Table, tag: int, vr: bytes, namespace: Namespace) -> Editor:
        pad = b" " if vr not in (b"UI", b"") else b"\0"
        uid, element = self._mapper.uid, table.encoding.element
        replaced = {
            original: new
            for (of, original), new in self._references.items()
            if of is namespace and isinstance(new, str)
        }

        def edit(value: bytes) -> bytes:
            text = value.decode("latin-1").strip(" \0")
            if "\\" in text:
                originals = [part.strip(" \0") for part in text.split("\\")]
                text = "\\".join(replaced.get(original) or uid(namespace, original) for original in originals)
            else:
                text = replaced.get(text) or uid(namespace, text)
            raw = text.encode("latin-1", "replace")
            return element(tag, vr, raw + pad if len(raw) & 1 else raw)

        return edit

    def missing(self, table: Table, tag: int) -> bytes:
        """Return an element that the plan requires and the file lacks."""
        if tag in self.plan.replace:
            return self.replacement(table, tag)
        return self.editor(table, tag, b"UI")(b"")
