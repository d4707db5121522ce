"""From a request to an edit plan: one rule for each tag, at the top level and below (spec 3.3, 3.7)."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

from dicomorph import __version__
from dicomorph.deid.editions.editions import is_conformant, resolver_of
from dicomorph.deid.editions.options import Choice, Option
from dicomorph.deid.identity import MAPPED
from dicomorph.deid.judgement import Judging
from dicomorph.deid.marks import marks_of
from dicomorph.deid.private_judge import SafePrivateJudge
from dicomorph.deid.private_tags import Creator
from dicomorph.deid.requests.embedded_documents import with_companions
from dicomorph.deid.requests.embedded_images import (
    NUMBER_OF_FRAMES,
    ImageDecoder,
    embedded_image,
    no_decoder,
    with_image,
)
from dicomorph.deid.requests.modification import Modification
from dicomorph.deid.requests.nested_paths import Operation, PathEntry
from dicomorph.deid.requests.nested_values import named_by_number, path_entries, with_paths_inside
from dicomorph.deid.rules import Rules
from dicomorph.deid.scopes import PlanScope, Scopes
from dicomorph.dicom.engine.edit_plan import EditPlan
from dicomorph.dicom.engine.identity_mapper import Namespace
from dicomorph.dicom.standard.dictionary import is_private, is_private_creator
from dicomorph.dicom.standard.private_blocks import block_of
from dicomorph.dicom.standard.tag_path import TagNames
from dicomorph.dicom.standard.tags import (
    PATIENT_ID,
    PIXEL_DATA,
    SERIES_INSTANCE_UID,
    SOP_INSTANCE_UID,
    STUDY_INSTANCE_UID,
)
from dicomorph.dicom.values.encoder import ValueEncoder, is_writable
from dicomorph.dicom.values.pixel_values import may_depend_on_sign
from dicomorph.model.resources import Json, Level
from dicomorph.model.settings import Settings

SOFTWARE = f"Dicomorph {__version__}"

_LEVEL_UIDS = {
    Level.PATIENT: (STUDY_INSTANCE_UID, SERIES_INSTANCE_UID, SOP_INSTANCE_UID),
    Level.STUDY: (STUDY_INSTANCE_UID, SERIES_INSTANCE_UID, SOP_INSTANCE_UID),
    Level.SERIES: (SERIES_INSTANCE_UID, SOP_INSTANCE_UID),
    Level.INSTANCE: (SOP_INSTANCE_UID,),
}


def compile_plan(
    modification: Modification,
    *,
    name: str,
    settings: Settings,
    software: str = SOFTWARE,
    follows_references: bool = False,
    decode_image: ImageDecoder = no_decoder,
) -> EditPlan:
    """Return the plan of a request.

    Parameters
    ----------
    modification : Modification
        The request.
    name : str
        The new PatientName where the request needs one (`Modification.needs_name`).
    follows_references : bool
        Whether references follow what they lead to, where that gets new identifiers in the same
        job. An anonymization does not ask: it maps all of them.
    software : str
        What DeidentificationMethod names, with its version: the one that has taken the request.
    decode_image : ImageDecoder
        Decodes an image that the request gives as pixel data.

    Raises
    ------
    BadFileFormatError, TranscodingError
        If such an image cannot be decoded.
    """
    names = TagNames(settings.dictionary)
    entries = path_entries(modification, names)
    replace = {
        tag: with_paths_inside(tag, named_by_number(value, names), entries)
        for tag, value in modification.replaced_tags.items()
        if is_writable(tag)
    }
    removed = modification.removed_tags
    if modification.takes_data_uris and embedded_image(PIXEL_DATA, replace.get(PIXEL_DATA)):
        replace = with_image(replace, decode_image)
        replace.pop(NUMBER_OF_FRAMES, None)  # it is one
        removed |= {NUMBER_OF_FRAMES}
    replace, default = with_companions(replace, removed)
    staying = modification.kept_tags | modification.retained_uids | replace.keys()
    uids = frozenset(_LEVEL_UIDS[modification.level]) - staying
    references: Mapping[int, Namespace] = {}
    appended: Mapping[int, Json] = {}
    if modification.is_anonymization:
        references = {
            tag: rule.namespace for tag, rule in MAPPED.items() if tag in replace and rule.namespace
        }
        marks, appended = marks_of(modification, name, software)
        replace = {**marks, **replace}
    shape = _Shape(
        edition=modification.edition,
        choice=modification.choice,
        removes_private=modification.remove_private_tags
        or (modification.is_anonymization and not modification.keep_private_tags),
        mapped=uids,
        kept=modification.kept_tags,
        removed=removed,
        replaced=frozenset(replace),
        appended=frozenset(appended),
        follows=follows_references and not modification.is_anonymization,
    )
    creator = _creator(modification, replace)
    # Paths and creators carry values, which other requests must not meet.
    if entries or creator:
        root_of = functools.partial(_root, shape, entries, creator)
    else:
        root_of = functools.partial(_shared_root, shape, (), None)
    encoder = ValueEncoder(
        settings.dictionary,
        private_creator=modification.private_creator,
        unencodable=settings.unencodable_text,
        takes_data_uris=modification.takes_data_uris,
    )
    root = root_of("")
    resolver = resolver_of(shape.edition, shape.choice) if shape.edition else None
    return EditPlan(
        root=root,
        root_of_class=root_of if resolver and resolver.depends_on_sop_class else None,
        replace=replace,
        appended=appended,
        one_namespace=is_conformant(shape.edition),
        default=default,
        required=uids | default.keys() | _required_identity(modification),
        encoder=encoder,
        references=references,
        is_anonymization=modification.is_anonymization,
        writes_beyond_ascii=not all(
            _is_ascii(value)
            for value in (
                modification.private_creator,
                *replace.values(),
                *(entry.value for entry in entries if entry.operation is Operation.REPLACE),
            )
        ),
        redeclares=modification.redeclares,
        examiner=Judging(refuses_burned_in=modification.choice.refuses_burned_in)
        if is_conformant(modification.edition)
        else None,
        looks_ahead=root.looks_ahead
        or root.judge is not None
        or any(may_depend_on_sign(*given) for given in replace.items()),
    )


def _required_identity(modification: Modification) -> frozenset[int]:
    """Return PatientID where even a patient without one gets a pseudonym: that of the study.

    It is of Type 2, and who keeps it, or gives another one, says so.
    """
    named = modification.kept_tags | modification.replaced_tags.keys()
    return frozenset({PATIENT_ID} - named) if is_conformant(modification.edition) else frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shape:
    """What the rules of a request depend on: no value, so that many requests are of one shape."""

    edition: str
    choice: Choice
    removes_private: bool
    mapped: frozenset[int]
    kept: frozenset[int]
    removed: frozenset[int]
    replaced: frozenset[int]
    appended: frozenset[int]
    follows: bool


def _is_ascii(value: Json) -> bool:
    if isinstance(value, str):
        return value.isascii()
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return all(map(_is_ascii, inside))


def _creator(modification: Modification, replace: Mapping[int, Json]) -> Creator | None:
    """Return whose the private tags of a request are, None if nobody says so."""
    text = modification.private_creator.strip(" \0")
    if not text:
        return None
    named = {block_of(tag): value for tag, value in replace.items() if is_private_creator(tag)}
    return Creator(
        text,
        {block: value.strip(" \0") for block, value in named.items() if block and isinstance(value, str)},
        moves=modification.names_creator,
    )


def _root(
    shape: _Shape, entries: tuple[PathEntry, ...], creator: Creator | None, sop_class: str
) -> PlanScope:
    rules = Rules(
        edition=resolver_of(shape.edition, shape.choice) if shape.edition else None,
        sop_class=sop_class,
        removes_private=shape.removes_private,
        mapped=shape.mapped,
        kept=shape.kept,
        removed=shape.removed,
        replaced=shape.replaced,
        appended=shape.appended,
        follows=shape.follows,
        creator=creator,
        checks_values=is_conformant(shape.edition),
        caps_age=shape.choice.age_cap,
        judge=_private_judge(shape, entries),
    )
    return Scopes(rules).root(entries)


def _private_judge(shape: _Shape, entries: tuple[PathEntry, ...]) -> SafePrivateJudge | None:
    """Return who tells which private elements stay where they go, if any do, and with which creators."""
    options = shape.choice.options
    retains = Option.RETAIN_SAFE_PRIVATE in options
    keeps = any(map(is_private, shape.kept)) or any(
        entry.operation is Operation.KEEP and is_private(entry.tag) for entry in entries
    )
    if not shape.removes_private or not (retains or (keeps and is_conformant(shape.edition))):
        return None
    return SafePrivateJudge(retains=retains, keeps_uids=Option.RETAIN_UIDS in options)


# What the walkers learn about a shape (`Scope.learnt`) serves the next request of that shape.
_shared_root = functools.lru_cache(maxsize=16)(_root)
