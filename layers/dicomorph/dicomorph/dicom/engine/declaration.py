"""Text beyond ASCII is declared (PS3.3 C.12.1.1.2, 1C): SpecificCharacterSet where a file has none.

A file without it has text in the encoding that the server takes for granted, or in any other.
So before new text beyond ASCII is written, the text that stays is looked at: it must be ASCII,
or be what that encoding makes of it. Else nothing true could be declared, and the file is refused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Final

from dicomorph.dicom.engine.declared_scope import DeclaredScope
from dicomorph.dicom.engine.edit_plan import KEEP, REPLACE, Action, EditPlan
from dicomorph.dicom.engine.existing_text import ExistingText, existing_text
from dicomorph.dicom.standard.tags import SPECIFIC_CHARACTER_SET
from dicomorph.dicom.stream.edit_script import EditedSource, EditScript
from dicomorph.dicom.stream.part10 import DataSetBytes, open_dataset
from dicomorph.dicom.stream.scan import scan
from dicomorph.dicom.stream.source import BufferSource, Source
from dicomorph.dicom.text.charsets import DECLARABLE, CharacterSet, UnencodableTextError
from dicomorph.model.errors import BadFileFormatError

ASCII: Final = "ISO_IR 6"
UTF8: Final = "ISO_IR 192"
_IN_MEMORY = 8 << 20  # bytes of a file that is looked at in one piece


class Declaration:
    """Rewrites files so that the text which a plan writes is declared.

    Parameters
    ----------
    plan : EditPlan
        What to do.
    default_encoding : str
        Orthanc's name of the encoding that files without SpecificCharacterSet have.
    rewrite : Callable[[EditPlan, DataSetBytes], EditScript]
        Rewrites one file under a plan, as it says.
    """

    def __init__(
        self,
        plan: EditPlan,
        default_encoding: str,
        rewrite: Callable[[EditPlan, DataSetBytes], EditScript],
    ) -> None:
        self._plan = plan
        self._default_encoding = default_encoding
        self._rewrite_under = rewrite
        self._plans: dict[str | None, EditPlan] = {}
        ascii_only = dataclasses.replace(plan, encoder=plan.encoder.dropping())
        self._probe = _declaring(ascii_only, ASCII)
        self._strict = dataclasses.replace(plan, encoder=plan.encoder.refusing())
        self._ascii = _declaring(self._strict, ASCII)

    @staticmethod
    def concerns(plan: EditPlan) -> bool:
        """Tell whether files may have to be looked at under a plan; the others pay nothing."""
        keeps = plan.root.rule(SPECIFIC_CHARACTER_SET).action is Action.KEEP
        return (plan.writes_beyond_ascii and keeps) or _removes_declaration(plan)

    def rewrite(self, data: DataSetBytes) -> EditScript:
        """Return the edit script of one file.

        Raises
        ------
        BadFileFormatError
            If text beyond ASCII would be written, and no character set is known that fits all.
        """
        keeps = self._plan.root.rule(SPECIFIC_CHARACTER_SET).action is Action.KEEP
        if keeps and _is_declared(data) and not self._plan.redeclares:
            return self._edited(data)
        existing = self._existing(data)
        if self._plan.redeclares and existing.is_ascii and self._is_lacking(data):
            return self._edited(data, UTF8)
        if keeps and _is_declared(data):
            return self._edited(data)
        if not existing.is_ascii and _removes_declaration(self._plan) and _is_declared(data):
            return self._edited(data, None)  # what stays was declared, and remains so
        if not self._writes_beyond_ascii(data):
            return self._edited(data)
        if not existing.is_sound:
            raise BadFileFormatError(
                "The file has text in a character set that it does not declare; replace SpecificCharacterSet"
            )
        return self._declared(data, existing)

    def _declared(self, data: DataSetBytes, existing: ExistingText) -> EditScript:
        term = DECLARABLE.get(self._default_encoding)
        if term is None and not existing.is_ascii:
            raise BadFileFormatError("SpecificCharacterSet has no term for the character set of the file")
        return self._edited(data, term or UTF8)

    def _writes_beyond_ascii(self, data: DataSetBytes) -> bool:
        is_dropped = self._default_encoding == "Ascii" and self._plan.encoder.drops
        if is_dropped or not self._plan.writes_beyond_ascii:
            return False
        return self._is_lacking(data, self._ascii)

    def _is_lacking(self, data: DataSetBytes, plan: EditPlan | None = None) -> bool:
        """Tell whether a character set lacks what is written: that of the file, or of a plan."""
        try:
            self._rewrite_under(plan or self._strict, data)
        except UnencodableTextError:
            return True
        return False

    def _existing(self, data: DataSetBytes) -> ExistingText:
        """Look at the text that stays: that of a product without what the request writes beyond ASCII."""
        product = product_of(data, self._rewrite_under(self._probe, data))
        charset = CharacterSet.of(b"", default_encoding=self._default_encoding)
        return existing_text(open_dataset(product), charset)

    def _edited(self, data: DataSetBytes, *term: str | None) -> EditScript:
        """Return the script under the plan, with a term in SpecificCharacterSet, or what was there."""
        if not term:
            return self._rewrite_under(self._plan, data)
        if term[0] not in self._plans:
            self._plans[term[0]] = _declaring(self._plan, term[0])
        return self._rewrite_under(self._plans[term[0]], data)


def product_of(data: DataSetBytes, script: EditScript) -> Source:
    """Return what a script makes of a file, to look at it."""
    is_small = script.size <= _IN_MEMORY
    source = data.source
    return BufferSource(script.join(source), source.scratch) if is_small else EditedSource(source, script)


def _declaring(plan: EditPlan, term: str | None) -> EditPlan:
    """Return a plan with a term in SpecificCharacterSet; with None, what is there stays."""
    replace = {tag: value for tag, value in plan.replace.items() if tag != SPECIFIC_CHARACTER_SET}
    rule, of_class = KEEP, plan.root_of_class
    if term is not None:
        rule = REPLACE
        replace[SPECIFIC_CHARACTER_SET] = term
    return dataclasses.replace(
        plan,
        root=DeclaredScope(plan.root, rule),
        root_of_class=of_class and (lambda sop_class: DeclaredScope(of_class(sop_class), rule)),
        replace=replace,
    )


def _removes_declaration(plan: EditPlan) -> bool:
    action = plan.root.rule(SPECIFIC_CHARACTER_SET).action
    if action is not Action.REPLACE:
        return action is not Action.KEEP
    value = plan.replace.get(SPECIFIC_CHARACTER_SET)
    return not (isinstance(value, str) and value.strip(" \0"))


def _is_declared(data: DataSetBytes) -> bool:
    wanted = {SPECIFIC_CHARACTER_SET}
    found = scan(data, last=SPECIFIC_CHARACTER_SET, wanted=wanted)
    return any(data.source.read(element.value, element.stop).strip(b" \0\\") for element in found)
