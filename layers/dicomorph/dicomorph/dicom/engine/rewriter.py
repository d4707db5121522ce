"""The engine: one walk over the elements of a file yields an edit script (architecture, section 4).

Nothing that stays the same is decoded or copied, and whatever the walk does not understand is
refused: an output is complete or there is none.
"""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Sequence
from itertools import takewhile

from dicomorph.dicom.engine.declaration import Declaration, product_of
from dicomorph.dicom.engine.destinations import Destinations
from dicomorph.dicom.engine.edit_plan import EditPlan, Scope, Verdicts
from dicomorph.dicom.engine.encoded_scope import EncodedScopes
from dicomorph.dicom.engine.existing_text import unknown_terms_matter
from dicomorph.dicom.engine.identity_editors import References
from dicomorph.dicom.engine.identity_mapper import IdentityMapper, Namespace
from dicomorph.dicom.engine.judged_scope import JudgedScope
from dicomorph.dicom.engine.preview import Preview, preview
from dicomorph.dicom.engine.private_blocks import UNMOVED, Relocation
from dicomorph.dicom.engine.reference_editor import ReferenceEditor
from dicomorph.dicom.engine.reference_walk import ReferenceWalk
from dicomorph.dicom.engine.relocated_scope import RelocatedScope
from dicomorph.dicom.engine.rewriting import Rewriting, Terms, UnknownTermsError
from dicomorph.dicom.engine.top_level import TopLevel
from dicomorph.dicom.standard.tags import PIXEL_DATA, SOP_CLASS_UID
from dicomorph.dicom.standard.transfer_syntaxes import NATIVE_TRANSFER_SYNTAXES
from dicomorph.dicom.stream.deflation import deflated
from dicomorph.dicom.stream.edit_script import EditedSource, EditScript, ScriptPart
from dicomorph.dicom.stream.elements import IrregularError, TruncatedError
from dicomorph.dicom.stream.ordering import in_order
from dicomorph.dicom.stream.part10 import DataSetBytes, open_dataset, write_meta
from dicomorph.dicom.stream.scan import LAST_TAG, read_values, scan
from dicomorph.dicom.stream.second_reading import check_is_read_alike, may_be_read_otherwise
from dicomorph.dicom.stream.source import Source
from dicomorph.dicom.stream.whole_scan import scan_whole
from dicomorph.model.errors import BadFileFormatError, DicomorphError
from dicomorph.model.resources import Json

_SOP_CLASS = frozenset((SOP_CLASS_UID,))
_LONGEST_UID = 128  # bytes, padding and what is too long included: no class has more than 64
_REMEMBERED_CLASSES = 100  # a job has few; hostile files name any
_REMEMBERED_RELOCATIONS = 100  # as above
_HEAVIEST = 4_096  # private blocks and elements of a data set that is remembered


class Rewriter:
    """Rewrites files under one plan, remembering what it learnt from one file to the next.

    Parameters
    ----------
    plan : EditPlan
        What to do; the same for all files.
    mapper : IdentityMapper
        Where new identifiers come from.
    default_encoding : str
        Orthanc's name of the encoding that files without SpecificCharacterSet have.
    destinations : Destinations, optional
        Where references lead if the plan lets them follow.
    terms : Terms, optional
        What happens to unknown terms of SpecificCharacterSet. By default they leave anonymized
        files, or these are refused.
    is_ordered : bool
        Whether files have been put in order before (`stream.ordering`).
    """

    def __init__(
        self,
        plan: EditPlan,
        mapper: IdentityMapper,
        *,
        default_encoding: str,
        destinations: Destinations | None = None,
        terms: Terms | None = None,
        is_ordered: bool = False,
    ) -> None:
        self._plan = plan
        self._destinations = destinations
        self._follower = None if destinations is None else ReferenceEditor(destinations)
        self._terms = terms or (Terms.FIND if plan.is_anonymization else Terms.KEEP)
        self._mapper = mapper
        self._default_encoding = default_encoding
        self._is_ordered = is_ordered
        self._for_ordered: Rewriter | None = None
        self._declaration = None
        if Declaration.concerns(plan):
            self._declaration = Declaration(plan, default_encoding, self._rewrite_under)
        self._others: dict[int, Rewriter] = {}  # under plans that the declaration holds
        self._shared = self._new_scopes(plan, {})
        self._walk = None
        if self._follower is not None:
            self._walk = ReferenceWalk(self._follower, self._new_scopes(plan, {}))
        self._by_class: dict[str, EncodedScopes] = {}
        self._last_class: str | None = None
        self._relocations: dict[tuple[Scope, Relocation, Verdicts | None], EncodedScopes] = {}

    def rewrite(self, source: Source) -> EditScript:
        """Return the edit script of one file.

        Raises
        ------
        BadFileFormatError
            If the file is not DICOM, broken, or holds what the engine does not understand.
        RefusedError
            If the plan's examiner refuses it.
        """
        try:
            data = open_dataset(source)
            try:
                return self._rewrite(data)
            finally:
                if data.is_deflated:  # no range of what it inflates to is in the script
                    data.source.close()
        except (struct.error, IndexError) as error:
            message = "The file is cut off"
            raise TruncatedError(message) from error

    def _rewrite(self, data: DataSetBytes) -> EditScript:
        try:
            return self.rewrite_data_set(data)
        except IrregularError:
            return self._rewrite_in_order(data)

    def _rewrite_in_order(self, data: DataSetBytes) -> EditScript:
        """Rewrite a file that is out of order as the same file in order."""
        if self._for_ordered is None:
            self._for_ordered = self._like_this(self._plan, self._terms, is_ordered=True)
        ordered, origin = in_order(data, drops_displaced=self._plan.is_anonymization)
        script = self._for_ordered.rewrite_data_set(ordered)
        return dataclasses.replace(script, parts=list(origin.original(script.parts)))

    def rewrite_data_set(self, data: DataSetBytes) -> EditScript:
        """Return the edit script of a file whose data set was found."""
        try:
            return self.edit(data) if self._declaration is None else self._declaration.rewrite(data)
        except UnknownTermsError:
            return self._without_unknown_terms(data)

    def _without_unknown_terms(self, data: DataSetBytes) -> EditScript:
        """Rewrite a file with terms in SpecificCharacterSet that nobody knows, if no text needs them."""
        script = self._with_terms(Terms.KEEP).rewrite_data_set(data)
        if unknown_terms_matter(open_dataset(product_of(data, script))):
            raise BadFileFormatError("SpecificCharacterSet has an unknown term, and text needs it")
        return self._with_terms(Terms.CLEAN).rewrite_data_set(data)

    def _with_terms(self, terms: Terms) -> Rewriter:
        return self._like_this(self._plan, terms)

    def _rewrite_under(self, plan: EditPlan, data: DataSetBytes) -> EditScript:
        if plan is self._plan:
            return self.edit(data)
        key = id(plan)
        if key not in self._others:
            self._others[key] = self._like_this(plan, self._terms)
        return self._others[key].edit(data)

    def _like_this(self, plan: EditPlan, terms: Terms, *, is_ordered: bool = False) -> Rewriter:
        return Rewriter(
            plan,
            self._mapper,
            default_encoding=self._default_encoding,
            destinations=self._destinations,
            terms=terms,
            is_ordered=is_ordered or self._is_ordered,
        )

    def edit(self, data: DataSetBytes) -> EditScript:
        """Return the edit script of one file, under the plan as it says."""
        if PIXEL_DATA in self._plan.replace and data.transfer_syntax not in NATIVE_TRANSFER_SYNTAXES:
            raise BadFileFormatError("The pixel data of a compressed instance cannot be replaced")
        walk, parts = self._walk_like_the_last(data) or self._walk_over(data)
        examiner = self._plan.examiner
        flags = examiner(walk.examination) if examiner else frozenset()
        encoding, declared = data.encoding, data.declared
        is_usual = encoding.explicit and encoding is declared
        if not is_usual and may_be_read_otherwise(_beginning(data, parts), encoding, declared):
            output = EditedSource(data.source, EditScript.of(parts))
            check_is_read_alike(output, encoding, declared)
        meta = write_meta(walk.sop_class_uid, walk.sop_instance_uid, data.transfer_syntax)
        if data.is_deflated:
            parts = [deflated(EditScript.of(parts).chunks(data.source), data.source.scratch)]
        script = EditScript.of([meta, *parts], remarks=walk.remarks, flags=flags)
        if walk.fragments is None or data.is_deflated:
            return script
        begin, end = walk.fragments
        return dataclasses.replace(script, fragments=(len(meta) + begin, len(meta) + end))

    def _walk_over(self, data: DataSetBytes) -> tuple[TopLevel, list[ScriptPart]]:
        """Return a walk over a file, and the parts that it came to."""
        scopes, signed = self._scopes(data)
        walk = TopLevel(data, scopes, signed=signed, references=self._walk)
        return walk, walk.rewrite()

    def _walk_like_the_last(self, data: DataSetBytes) -> tuple[TopLevel, list[ScriptPart]] | None:
        """Return a walk under the rules for the SOP class of the last file, None if this one has another.

        Files of a job are mostly of one class, and to look for it takes a twentieth of the time of a walk.
        """
        if self._last_class is None or self._plan.looks_ahead or self._plan.references:
            return None
        walk = TopLevel(data, self._by_class[self._last_class], references=self._walk)
        try:
            parts = walk.rewrite()
        except (DicomorphError, struct.error, IndexError):  # under the right rules it may come to an end
            return None
        return (walk, parts) if _uid_of(walk.original_sop_class) == self._last_class else None

    def _new_scopes(self, plan: EditPlan, references: References) -> EncodedScopes:
        rewriting = Rewriting(
            plan, self._mapper, self._default_encoding, references, self._terms, self._follower
        )
        rewriting.is_ordered = self._is_ordered
        return EncodedScopes(rewriting)

    def _scopes(self, data: DataSetBytes) -> tuple[EncodedScopes, bool | None]:
        """Return the rules for a file, and whether its pixel values are signed if that matters."""
        scopes = self._shared if self._plan.root_of_class is None else self._scopes_of_class(data)
        signed = None
        if self._plan.looks_ahead:
            plan = scopes.rewriting.plan
            found = _preview(data, plan.root)
            scopes, signed = self._relocated(scopes, found), found.signed(plan.root, plan.replace)
        if self._plan.references:
            scopes = self._new_scopes(scopes.rewriting.plan, self._references(data))
        return scopes, signed

    def _relocated(self, scopes: EncodedScopes, found: Preview) -> EncodedScopes:
        """Return the same rules for a file whose private blocks are others than those of the request.

        Or whose private elements are judged.
        """
        plan, relocation = scopes.rewriting.plan, UNMOVED
        decoding = scopes.rewriting.declared(found.character_set)
        root, replace = plan.root, plan.replace
        if root.claims is not None:
            relocation = found.relocation(root, root.claims, decoding)
        if relocation != UNMOVED:
            root = RelocatedScope(root, relocation, replace)
            replace = root.replacements
        verdicts = found.verdicts(root, decoding)
        key = plan.root, relocation, verdicts
        if key == (plan.root, UNMOVED, None):
            return scopes
        known = self._relocations.get(key)
        if known is None:
            if verdicts is not None:
                root = JudgedScope(root, verdicts.inside, verdicts)
            known = self._new_scopes(dataclasses.replace(plan, root=root, replace=replace), {})
            if len(self._relocations) >= _REMEMBERED_RELOCATIONS:
                self._relocations.clear()
            if verdicts is None or verdicts.weight <= _HEAVIEST:
                self._relocations[key] = known
        return known

    def _scopes_of_class(self, data: DataSetBytes) -> EncodedScopes:
        sop_class = ""
        for found in scan(data, last=SOP_CLASS_UID, wanted=_SOP_CLASS):
            raw = data.source.read(found.value, min(found.stop, found.value + _LONGEST_UID))
            sop_class = _uid_of(raw)
        if sop_class not in self._by_class:
            if len(self._by_class) >= _REMEMBERED_CLASSES:
                self._by_class.clear()
            self._by_class[sop_class] = self._new_scopes(self._plan.of_class(sop_class), {})
        self._last_class = sop_class
        return self._by_class[sop_class]

    def _references(self, data: DataSetBytes) -> dict[tuple[Namespace, str], Json]:
        """Pair the originals of replaced identifiers with their replacements."""
        wanted = frozenset(self._plan.references)
        originals = read_values(data, wanted, default_encoding=self._default_encoding)
        replacements = self._plan.replace
        return {
            (namespace, originals[tag].strip(" \0")): replacements[tag]
            for tag, namespace in self._plan.references.items()
            if tag in originals
        }


def _uid_of(raw: bytes) -> str:
    return raw[:_LONGEST_UID].decode("latin-1").strip(" \0")


def _beginning(data: DataSetBytes, parts: Sequence[ScriptPart]) -> bytes:
    """Return up to eight bytes of the first part of an output."""
    match parts:
        case [bytes() as first, *_]:
            return first[:8]
        case [(start, stop), *_]:
            return data.source.read(start, min(stop, start + 8))
        case _:
            return b""


def _preview(data: DataSetBytes, root: Scope) -> Preview:
    named = root.claims.named if root.claims else ()
    judges = root.judge is not None
    last = LAST_TAG if judges else max((PIXEL_DATA, *(tag | 0xFFFF for tag in named)))
    elements = takewhile(lambda found: found.tag <= last, scan_whole(data))
    return preview(elements, data.source.read, data.encoding, claims=root.claims, judges=judges)


def rewrite(source: Source, plan: EditPlan, mapper: IdentityMapper, *, default_encoding: str) -> EditScript:
    """Return the edit script of one file; see `Rewriter.rewrite`."""
    return Rewriter(plan, mapper, default_encoding=default_encoding).rewrite(source)
