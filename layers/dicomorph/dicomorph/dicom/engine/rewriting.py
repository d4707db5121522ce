"""What all scopes share while files are rewritten under one plan: character sets, new elements."""

from __future__ import annotations

import enum

from dicomorph.dicom.engine.dummies import BY_VALUE, DummyEditors, constant, nothing
from dicomorph.dicom.engine.edit_plan import Action, Dummy, DummyKind, EditPlan, Rule
from dicomorph.dicom.engine.identity_editors import Editor, IdentityEditors, References, Writing
from dicomorph.dicom.engine.identity_mapper import IdentityMapper, Namespace
from dicomorph.dicom.engine.reference_editor import ReferenceEditor
from dicomorph.dicom.standard.geometry import is_geometry
from dicomorph.dicom.standard.tags import SOP_CLASS_UID, SPECIFIC_CHARACTER_SET, format_tag
from dicomorph.dicom.stream.windows import Window
from dicomorph.dicom.text.charsets import CharacterSet
from dicomorph.dicom.text.terms import defined_terms
from dicomorph.dicom.values.encoder import PRIVATE_CREATOR_VR
from dicomorph.model.errors import BadFileFormatError, DicomorphError
from dicomorph.model.resources import Json

_EDITED = (Action.MAP, Action.FOLLOW)
_REMEMBERED = 100  # hostile files may declare anything


class Terms(enum.Enum):
    """What happens to terms of SpecificCharacterSet that are none of the standard's."""

    FIND = "find"
    KEEP = "keep"
    CLEAN = "clean"


class UnknownTermsError(DicomorphError):
    """SpecificCharacterSet has other terms than those of the standard; the rewriter looks closer then."""


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
    terms : Terms
        What happens to unknown terms of SpecificCharacterSet.
    follower : ReferenceEditor, optional
        Rewrites references to what gets new identifiers with the file; None if they stay.
    """

    window: Window  # of the file that is being walked
    unreadable: int = 0  # elements of that file that went because they only begin like sequences
    unfit: int = 0  # elements of it that went because their VR cannot hold their values
    counted: int = 0  # how often anything was counted, in all files: what was then made is not remembered
    is_ordered = False  # whether files were put in order before: what looks out of order then is no item

    def __init__(
        self,
        plan: EditPlan,
        mapper: IdentityMapper,
        default_encoding: str,
        references: References,
        terms: Terms,
        follower: ReferenceEditor | None = None,
    ) -> None:
        self.plan = plan
        self.follower = follower
        self._terms = terms
        self._sound: set[bytes] = set()  # values of SpecificCharacterSet that stay
        self._default_encoding = default_encoding
        self.identities = IdentityEditors(mapper, references, plan.encoder)
        self._dummies = DummyEditors(mapper, self._count_unfit)

    def _count_unfit(self) -> None:
        self.unfit += 1
        self.counted += 1

    def unfit_element(self, rule: Rule, writing: Writing, tag: int, vr: bytes, whole: bytes) -> bytes:
        """Return what takes the place of a kept element whose value its VR cannot hold, and count it.

        Raises
        ------
        BadFileFormatError
            If the object would have no geometry without it, or is of no class.
        """
        if tag == SOP_CLASS_UID:
            raise BadFileFormatError(f"{format_tag(tag)} is no UID")
        self._count_unfit()
        dummy = rule.dummy
        if rule.action in _EDITED or (dummy is not None and dummy.kind in BY_VALUE):
            return self.editor(rule, writing, tag, vr)(whole)
        if dummy is None:
            return b"" if rule.action is Action.REMOVE else nothing(writing, tag, vr)
        if dummy.kind is not DummyKind.NOTHING and is_geometry(tag):
            raise BadFileFormatError(f"{format_tag(tag)} is part of the geometry, and holds no number")
        return self.dummy(dummy, writing, tag, vr)

    @property
    def base(self) -> int:
        """Return the position in the source of the buffer that is being walked."""
        return self.window.base

    def declared(self, raw: bytes) -> CharacterSet:
        """Return the character set that a value of SpecificCharacterSet in a file stands for."""
        return CharacterSet.of(raw, default_encoding=self._default_encoding)

    def declaration(self, raw: bytes) -> bytes | None:
        """Return what takes the place of a value of SpecificCharacterSet that is kept, None if it stays.

        Raises
        ------
        UnknownTermsError
            If something should, and it was not looked at yet whether that may be.
        """
        if self._terms is Terms.KEEP or raw in self._sound:
            return None
        value, _ = defined_terms(raw)
        if value == raw.strip(b" \0"):
            if len(self._sound) < _REMEMBERED:
                self._sound.add(raw)
            return None
        if self._terms is Terms.FIND:
            raise UnknownTermsError("SpecificCharacterSet has an unknown term")
        return value

    def character_set(self, value: Json) -> CharacterSet:
        """Return the character set that a value of SpecificCharacterSet in a request stands for."""
        return self.declared(value.encode("ascii", "replace") if isinstance(value, str) else b"")

    def relabelled_text(self, original: CharacterSet) -> CharacterSet:
        """Return what replacement text is encoded in (spec 3.5): the request may relabel the file."""
        action = self.plan.root.rule(SPECIFIC_CHARACTER_SET).action
        if action is Action.KEEP:
            return original
        value = self.plan.replace.get(SPECIFIC_CHARACTER_SET) if action is Action.REPLACE else None
        return self.character_set(value)

    def element(self, writing: Writing, tag: int, value: Json, name: int | None) -> bytes:
        """Return the element that a value of a request makes.

        Parameters
        ----------
        name : int or None
            The tag by which the request calls it; None for the private creator of a block.
        """
        encoding, _, text, signed = writing
        encoder = self.plan.encoder
        vr = PRIVATE_CREATOR_VR if name is None else encoder.vr_of(name)
        return encoder.element(tag, value, encoding, text, vr=vr, signed=bool(signed))

    def editor(self, rule: Rule, writing: Writing, tag: int, vr: bytes) -> Editor:
        """Return what turns an element into the one that takes its place."""
        if rule.action is Action.FOLLOW:
            return self.follower.element(writing.encoding, tag, vr) if self.follower else _unchanged
        if rule.dummy is not None:
            return self._dummies.editor(rule.dummy, writing, tag, vr)
        namespace = rule.namespace or Namespace.INSTANCE
        return self.identities.editor(writing, tag, vr, namespace)

    def dummy(self, dummy: Dummy, writing: Writing, tag: int, vr: bytes) -> bytes:
        """Return the element that takes the place of another with this header, whatever that holds."""
        if dummy.kind is DummyKind.NOTHING:
            return nothing(writing, tag, vr)
        if dummy.kind is DummyKind.VALUE:
            return self.element(writing, tag, dummy.value, tag)
        return constant(writing, tag, vr)


def _unchanged(whole: bytes) -> bytes:
    return whole
