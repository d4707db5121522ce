"""What the walkers ask for while they rewrite: tables, mapped identifiers, replacement elements."""

from __future__ import annotations

from collections.abc import Hashable
from functools import partial

from dicomorph.dicom.charsets import CharacterSet
from dicomorph.dicom.edit_plan import Action, EditPlan, Scope
from dicomorph.dicom.elements import Encoding
from dicomorph.dicom.identity_editors import IdentityEditors, References
from dicomorph.dicom.pixel_data import without_comments
from dicomorph.dicom.tables import Editor, Table
from dicomorph.dicom.tags import PIXEL_DATA, SPECIFIC_CHARACTER_SET
from dicomorph.dicom.uids import IdentityMapper, Namespace
from dicomorph.dicom.windows import Window
from dicomorph.model.resources import Json

_REMEMBERED = 1_000  # tables; a file may name any number of character sets in its items


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
        self._tables: dict[Hashable, Table] = {}

    @property
    def base(self) -> int:
        """Return the position in the source of the buffer that is being walked."""
        return self.window.base

    def root(self, encoding: Encoding) -> Table:
        """Return the table of the top level, before SpecificCharacterSet was met."""
        default = CharacterSet.of(b"", default_encoding=self._default_encoding)
        return self._table(self.plan.root, default, self._relabelled_text(default), encoding)

    def nested(self, parent: Table, scope: Scope, encoding: Encoding) -> Table:
        """Return the table for items below a sequence, in the character set of their parent.

        Unless the request gives the items one: then that of their new text.
        """
        text = parent.encoding_text
        if SPECIFIC_CHARACTER_SET in scope.replacements:
            text = self._character_set(scope.replacements[SPECIFIC_CHARACTER_SET])
        return self._table(scope, parent.decoding, text, encoding)

    def relabelled(self, table: Table, raw: bytes) -> Table:
        """Return the table for the same scope under the SpecificCharacterSet that was met."""
        decoding = CharacterSet.of(raw, default_encoding=self._default_encoding)
        if not table.nested:
            text = self._relabelled_text(decoding)
        elif table.scope.rule(SPECIFIC_CHARACTER_SET).action is Action.KEEP:
            text = decoding
        else:  # a path replaces or removes what was met
            text = table.encoding_text
        return self._table(table.scope, decoding, text, table.encoding)

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

    def _table(self, scope: Scope, decoding: CharacterSet, text: CharacterSet, encoding: Encoding) -> Table:
        key = (scope, decoding, text, encoding)
        table = self._tables.get(key)
        if table is None:
            if len(self._tables) >= _REMEMBERED:
                self._tables.clear()
            table = self._tables[key] = Table(self, scope, decoding, text, encoding)
        return table

    def replacement(self, table: Table, tag: int) -> bytes:
        """Return the element that a replacement writes."""
        found = table.replaced.get(tag)
        if found is None:
            value = (table.scope.replacements if table.nested else self.plan.replace)[tag]
            found = self.plan.encoder.element(tag, value, table.encoding, table.encoding_text)
            table.replaced[tag] = found
        return found

    def editor(self, table: Table, tag: int, vr: bytes) -> Editor:
        """Return what turns an element into the one that takes its place: mapped, or without comments."""
        if tag == PIXEL_DATA:
            return partial(without_comments, encoding=table.encoding)
        namespace = table.scope.rule(tag).namespace or Namespace.INSTANCE
        return self._identities.editor(table, tag, vr, namespace)

    def missing(self, table: Table, tag: int) -> bytes:
        """Return an element that the plan requires and the file lacks."""
        if tag in self.plan.replace:
            return self.replacement(table, tag)
        if tag in self.plan.default:
            value = self.plan.default[tag]
            return self.plan.encoder.element(tag, value, table.encoding, table.encoding_text)
        vr = b"UI" if table.encoding.explicit else b""
        return self.editor(table, tag, vr)(table.encoding.header(tag, vr, 0))
