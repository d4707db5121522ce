"""The part of a request that says what to change, read from Orthanc's JSON (spec 2.4, 3.1, 3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dicomorph.deid.editions.allow_list_file import shipped_allow_list
from dicomorph.deid.editions.options import NO_CHOICE, Choice, Option
from dicomorph.deid.identity import IDENTIFIERS, INSTANCE_UIDS
from dicomorph.deid.requests.embedded_images import check_image, embedded_image
from dicomorph.deid.requests.profile_choice import AllowLists, Chosen, read_profile
from dicomorph.dicom.standard.tag_path import TagNames, TagPath
from dicomorph.dicom.standard.tags import (
    PATIENT_ID,
    PATIENT_NAME,
    SERIES_INSTANCE_UID,
    STUDY_INSTANCE_UID,
    format_tag,
)
from dicomorph.dicom.values.encoder import ValueEncoder, is_writable
from dicomorph.model.errors import BadRequestError
from dicomorph.model.json_fields import read_boolean, read_text
from dicomorph.model.resources import Json, Level
from dicomorph.model.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Modification:
    """A validated request.

    Parameters
    ----------
    level : Level
        Which UIDs get new values: those of this level and of the levels below it.
    edition : str
        Of the profile; empty for a mere modification.
    replace : Mapping[TagPath, Json]
        New values, for top-level tags (no parents) and nested paths, in the order in which
        paths apply.
    remove, keep : frozenset[TagPath]
        As asked for. Replace takes precedence over Remove, and Keep over both (spec 3.1).
    private_creator : str
        By which private tags in `replace` are looked up.
    names_creator : bool
        Whether the request itself names it: then private tags are those of that creator. By that of
        the settings they are looked up, and no more.
    takes_data_uris : bool
        Whether values in `replace` that look like data URIs stand for what they hold.
    redeclares : bool
        Whether files get another character set where theirs lacks what is written, and where they
        have no text beyond ASCII of their own.
    choice : Choice
        What is chosen of the profile.
    """

    level: Level
    is_anonymization: bool
    edition: str
    replace: Mapping[TagPath, Json]
    remove: frozenset[TagPath]
    keep: frozenset[TagPath]
    remove_private_tags: bool
    keep_private_tags: bool
    force: bool
    private_creator: str
    takes_data_uris: bool = True
    names_creator: bool = False
    redeclares: bool = False
    choice: Choice = NO_CHOICE

    @property
    def kept_tags(self) -> frozenset[int]:
        """The top-level tags to keep."""
        return frozenset(path.tag for path in self.keep if not path.parents)

    @property
    def replaced_tags(self) -> Mapping[int, Json]:
        """The top-level tags to replace, with their values."""
        kept = self.kept_tags
        return {
            path.tag: value
            for path, value in self.replace.items()
            if not path.parents and path.tag not in kept
        }

    @property
    def removed_tags(self) -> frozenset[int]:
        """The top-level tags to remove."""
        removed = frozenset(path.tag for path in self.remove if not path.parents)
        return removed - frozenset(self.replaced_tags) - self.kept_tags

    @property
    def retained_uids(self) -> frozenset[int]:
        """The UIDs of the instance's own that stay as an option says, unless the request replaces them."""
        if Option.RETAIN_UIDS not in self.choice.options:
            return frozenset()
        return INSTANCE_UIDS - self.replaced_tags.keys()

    @property
    def needs_name(self) -> bool:
        """Whether an ``Anonymized<N>`` is to be drawn: nobody named PatientName (spec 3.9)."""
        named = self.kept_tags | self.replaced_tags.keys() | self.removed_tags
        return self.is_anonymization and PATIENT_NAME not in named


def parse_modification(
    body: Mapping[str, Json],
    *,
    is_anonymization: bool,
    level: Level | None,
    settings: Settings,
    allow_lists: AllowLists = shipped_allow_list,
) -> Modification:
    """Read and check what a request wants changed; options of jobs are not looked at.

    Parameters
    ----------
    body : Mapping[str, Json]
        The decoded body.
    level : Level, optional
        Of the route; None for a single instance, whose level follows from Replace (spec 3.1).
    allow_lists : AllowLists
        Finds the list that the request names.

    Raises
    ------
    BadRequestError
        For wrong types, contradictions, and identifiers without ``Force``.
    UnknownDicomTagError
        For a misspelled tag.
    """
    names = TagNames(settings.dictionary)
    edition, choice = Chosen("", NO_CHOICE)
    if is_anonymization:
        edition, choice = read_profile(body, settings=settings, allow_lists=allow_lists)
    force = read_boolean(body, "Force", default=False)
    # Each route ignores the option of the other, whatever its type (spec 2.4).
    remove_private = not is_anonymization and read_boolean(body, "RemovePrivateTags", default=False)
    keep_private = is_anonymization and read_boolean(body, "KeepPrivateTags", default=False)
    remove = _paths(body, "Remove", names)
    replace = _replacements(body, names)
    keep = _paths(body, "Keep", names)
    creator = read_text(body, "PrivateCreator", default=settings.default_private_creator)
    encoder = ValueEncoder(
        settings.dictionary, private_creator=creator, unencodable=settings.unencodable_text
    )
    for path, value in replace.items():
        if not is_writable(path.tag):
            continue  # they are ignored, whatever they are given (spec 3.4)
        if not path.parents and (image := embedded_image(path.tag, value)):
            check_image(image)
        else:
            encoder.check(path.tag, value, depth=len(path.parents))
    found = level or (Level.PATIENT if is_anonymization else _detected(replace))
    modification = Modification(
        level=Level.PATIENT if is_anonymization else found,
        is_anonymization=is_anonymization,
        edition=edition,
        replace=replace,
        remove=remove,
        keep=keep,
        remove_private_tags=remove_private,
        keep_private_tags=keep_private,
        force=force,
        private_creator=creator,
        names_creator="PrivateCreator" in body,
        choice=choice,
    )
    _check_identifiers(modification)
    return modification


def _paths(body: Mapping[str, Json], name: str, names: TagNames) -> frozenset[TagPath]:
    value = body.get(name, [])
    if not isinstance(value, list):
        message = f"{name} must be an array of strings"
        raise BadRequestError(message)
    paths = set()
    for item in value:
        if not isinstance(item, str):
            message = f"{name} must be an array of strings"
            raise BadRequestError(message)
        paths.add(names.path(item))
    return frozenset(paths)


def _replacements(body: Mapping[str, Json], names: TagNames) -> dict[TagPath, Json]:
    value = body.get("Replace", {})
    if not isinstance(value, dict):
        message = "Replace must be an object"
        raise BadRequestError(message)
    # In the order of the alphabet: of two names for one tag the later wins, as in Orthanc.
    found: dict[TagPath, Json] = {}
    for name in sorted(value):
        path = names.path(name)
        found.pop(path, None)  # the order is that of the names which count
        found[path] = value[name]
    return found


def _detected(replace: Mapping[TagPath, Json]) -> Level:
    named = {path.tag for path in replace if not path.parents}
    for tag, level in (
        (PATIENT_ID, Level.PATIENT),
        (STUDY_INSTANCE_UID, Level.STUDY),
        (SERIES_INSTANCE_UID, Level.SERIES),
    ):
        if tag in named:
            return level
    return Level.INSTANCE


def _check_identifiers(modification: Modification) -> None:
    """Refuse to touch identifiers by accident (spec 3.10.3)."""
    paths = (*modification.replace, *modification.remove, *modification.keep)
    named = IDENTIFIERS & {path.tag for path in paths if not path.parents}
    if named and not modification.force:
        message = f"Naming {', '.join(map(format_tag, sorted(named)))} requires Force to be true"
        raise BadRequestError(message)
    removed = IDENTIFIERS & modification.removed_tags
    if removed:
        message = f"{', '.join(map(format_tag, sorted(removed)))} cannot be removed"
        raise BadRequestError(message)
