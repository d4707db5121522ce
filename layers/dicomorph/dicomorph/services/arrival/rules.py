"""Rules on arrival: what becomes of a file, by what its name begins with (setting ``ArrivalRules``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from dicomorph.deid.compilation import compile_plan
from dicomorph.deid.editions.allow_list_file import shipped_allow_list
from dicomorph.deid.requests.modification import Modification, parse_modification
from dicomorph.deid.requests.profile_choice import AllowLists
from dicomorph.dicom.standard.tags import SOP_INSTANCE_UID
from dicomorph.dicom.standard.transfer_syntaxes import is_transcodable
from dicomorph.model.errors import BadFileFormatError, BadRequestError, DicomorphError
from dicomorph.model.object_keys import INCOMING, INCOMING_UPLOADS
from dicomorph.model.resources import Json
from dicomorph.model.settings import Settings
from dicomorph.services.fields import json_object, read_level
from dicomorph.services.transcoding import Transcoding, check_sop_instance_uid, requested_transcoding

UPLOADS = INCOMING_UPLOADS.removeprefix(INCOMING)
"""What the names begin with of what clients of the REST API upload: no rule is asked about these."""

_STORE = "store"
_BOTH = frozenset(("Replace", "Remove", "Keep", "Force", "PrivateCreator", "Transcode", "LossyQuality"))
_FIELDS: Mapping[str, frozenset[str]] = {
    "Anonymize": _BOTH | {"KeepPrivateTags", "DicomVersion", "Profile"},
    "Modify": _BOTH | {"RemovePrivateTags", "Level"},
    "Store": frozenset(),
}
_OPTIONS = frozenset(("To", "Pseudonyms"))


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalRule:
    """What becomes of files whose names begin with a prefix.

    Parameters
    ----------
    prefix : str
        Of names; what is below ``incoming/``, or below the watched folder with ``/`` between its parts.
    modification : Modification, optional
        What is changed in each file; None stores it as it is.
    transcoding : Transcoding, optional
        What each file is converted into when it is changed; one that cannot be keeps its transfer syntax.
    target : str
        The target (setting ``Targets``) that the product goes to; empty for the store.
    pseudonyms : str
        Names the secret behind new identifiers. Rules of one name give a patient one pseudonym.
    """

    prefix: str
    modification: Modification | None
    transcoding: Transcoding | None = None
    target: str = ""
    pseudonyms: str = ""


class ArrivalRules:
    """The rules of a deployment, of which the one with the longest prefix counts.

    Parameters
    ----------
    settings : Settings
        With the rules, and what requests are read by.
    allow_lists : AllowLists
        Finds the lists that rules name.

    Raises
    ------
    BadFileFormatError
        If a rule means nothing, or would never be asked; the message names it by its prefix.
    """

    def __init__(self, settings: Settings, allow_lists: AllowLists = shipped_allow_list) -> None:
        rules = [
            _rule(prefix, rule, settings, allow_lists) for prefix, rule in settings.arrival_rules.items()
        ]
        self._rules = sorted(rules, key=lambda rule: len(rule.prefix), reverse=True)

    def of(self, name: str) -> ArrivalRule | None:
        """Return the rule for a file, None if there is none: it is stored as it is."""
        if name.startswith(UPLOADS):
            return None
        return next((rule for rule in self._rules if name.startswith(rule.prefix)), None)


def _rule(prefix: str, rule: Mapping[str, Json], settings: Settings, allow_lists: AllowLists) -> ArrivalRule:
    try:
        _check_prefix(prefix)
        return _read(prefix, rule, settings, allow_lists)
    except DicomorphError as error:
        raise BadFileFormatError(f"Setting ArrivalRules: '{prefix}': {error.details}") from error


def _check_prefix(prefix: str) -> None:
    """Refuse prefixes that no name begins with: what they are for would be stored as it is."""
    for wrong, meant in (("/", "the part behind it"), (INCOMING, "the part behind it"), ("./", "no dot")):
        if prefix.startswith(wrong):
            raise BadRequestError(f"no name begins with '{wrong}'; {meant} is the prefix")
    if prefix.startswith(UPLOADS):
        raise BadRequestError("what clients upload by the REST API is stored as it is")
    if "//" in prefix or "\\" in prefix or "/../" in f"/{prefix}/":
        raise BadRequestError("parts of names are joined by one '/', and '..' is none")


def _read(prefix: str, rule: Mapping[str, Json], settings: Settings, allow_lists: AllowLists) -> ArrivalRule:
    actions = [action for action in _FIELDS if action in rule]
    if len(actions) != 1:
        raise BadRequestError(f"exactly one of {', '.join(_FIELDS)} says what becomes of files")
    [action] = actions
    if strange := sorted(rule.keys() - _OPTIONS - {action}):
        raise BadRequestError(
            f"unknown: {', '.join(strange)}; known: {action}, {', '.join(sorted(_OPTIONS))}"
        )
    target = _target(rule, settings)
    modification = _modification(action, rule[action], settings, allow_lists)
    if modification is None and len(rule) > 1:
        raise BadRequestError("what is stored as it is has neither 'To' nor 'Pseudonyms'")
    return ArrivalRule(
        prefix=prefix,
        modification=modification,
        transcoding=None if modification is None else _transcoding(rule[action], modification, settings),
        target=target,
        pseudonyms=_pseudonyms(prefix, rule),
    )


def _target(rule: Mapping[str, Json], settings: Settings) -> str:
    target = rule.get("To", _STORE)
    if target == _STORE:
        return ""
    if not isinstance(target, str) or target not in settings.targets:
        known = ", ".join((_STORE, *settings.targets))
        raise BadRequestError(f"'To' must be one of: {known} (setting Targets)")
    return target


def _pseudonyms(prefix: str, rule: Mapping[str, Json]) -> str:
    if "Pseudonyms" not in rule:
        return f"prefix {prefix}"
    name = rule["Pseudonyms"]
    if not isinstance(name, str) or not name:
        raise BadRequestError("'Pseudonyms' must be a name, for all rules that share them")
    return f"name {name}"


def _transcoding(body: Json, modification: Modification, settings: Settings) -> Transcoding | None:
    """Read what a job would convert into; what no file can be converted into is refused."""
    found = requested_transcoding(json_object(body), settings)
    if found is None:
        return None
    if not is_transcodable(found.transfer_syntax):
        raise BadRequestError("'Transcode' is a transfer syntax that no file is converted into")
    check_sop_instance_uid(found, modification)
    return found


def _modification(
    action: str, body: Json, settings: Settings, allow_lists: AllowLists
) -> Modification | None:
    """Read a request body as `/tools/bulk-anonymize` and `/tools/bulk-modify` do (spec 2.4, 3.1)."""
    if not isinstance(body, dict):
        raise BadRequestError(f"'{action}' must be a JSON object: the body of a request")
    if strange := sorted(body.keys() - _FIELDS[action]):
        raise BadRequestError(f"'{action}' has no {', '.join(strange)} on arrival")
    if action == "Store":
        return None
    is_anonymization = action == "Anonymize"
    modification = parse_modification(
        body,
        is_anonymization=is_anonymization,
        level=None if is_anonymization else read_level(body),
        settings=settings,
        allow_lists=allow_lists,
    )
    if SOP_INSTANCE_UID in modification.replaced_tags:
        raise BadRequestError("with one SOPInstanceUID for all, each file would take the place of another")
    compile_plan(modification, name="", settings=settings)  # for its errors
    return modification
