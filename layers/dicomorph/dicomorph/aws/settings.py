"""The settings of the stack: its parameter, or an object of its bucket where they are too long for one.

CloudFormation passes on 4 KB at most, and Lambda as much for all variables of a function together.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from dicomorph.aws.environment import Environment
from dicomorph.aws.objects.errors import translated
from dicomorph.deid.requests.profile_choice import AllowLists
from dicomorph.model.errors import BadFileFormatError, DicomorphError, MisconfiguredError, TransientError
from dicomorph.model.settings import Settings, parse_settings
from dicomorph.services.arrival.rules import ArrivalRules
from dicomorph.services.server.check_settings import check_settings

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

_OBJECT = re.compile(r"([^/]+)/(.+)\?versionId=([^?]+)")
# Of buckets, 3 to 63 characters of those that S3 allows; of prefixes, what needs no quoting in keys.
_PLACE = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()@=+~-]+)*/?")
_LISTS = re.compile(r"settings/allow-lists(/[A-Za-z0-9!_.*'()@=+~-]+)*/?")  # what functions may read
_WRONG = "The settings of this server mean nothing; its log says why"

_logger = logging.getLogger(__name__)


def deployed_settings(environment: Environment, s3: Callable[[], S3Client]) -> Settings:
    """Return the settings that a function was deployed with.

    Parameters
    ----------
    s3 : Callable[[], S3Client]
        Makes a client, which is needed only where settings are an object.

    Raises
    ------
    MisconfiguredError
        If they mean nothing, or are not there. No caller is to blame: what is wrong goes to the log.
    TransientError
        If S3 is away.
    """
    try:
        document = _with_rules(_document(_text(environment, s3)), environment.arrival_rules)
        settings = check_settings(parse_settings(document))
        _check_targets(settings)
        if settings.allow_lists and not _LISTS.fullmatch(settings.allow_lists):
            raise BadFileFormatError("Setting AllowLists: begins with settings/allow-lists")
        if settings.access_trail is not None and settings.access_trail.folder:
            raise BadFileFormatError(
                "Setting AccessTrail: Folder is for one machine; on AWS it is a log group"
            )
    except TransientError:
        raise
    except DicomorphError as error:
        _logger.error("Settings: %s", error.details)  # noqa: TRY400 - the operator's own words, no traceback
        raise MisconfiguredError(_WRONG) from error
    return settings


def deployed_rules(settings: Settings, allow_lists: AllowLists) -> ArrivalRules:
    """Return the rules on arrival; raise `MisconfiguredError` if they mean nothing, which the log tells."""
    try:
        return ArrivalRules(settings, allow_lists)
    except DicomorphError as error:
        _logger.error("Settings: %s", error.details)  # noqa: TRY400 - as above
        raise MisconfiguredError(_WRONG) from error


def _with_rules(document: object, rules: str) -> object:
    """Return settings with the rules of the stack's parameter, which may stand in one place only."""
    found = _document(rules or "{}")
    if not found or not isinstance(document, dict):
        return document
    if "ArrivalRules" in document:
        raise BadFileFormatError("ArrivalRules stand in the settings and in the parameter of this name")
    return {**document, "ArrivalRules": found}


def _check_targets(settings: Settings) -> None:
    for name, place in settings.targets.items():
        if not _PLACE.fullmatch(place):
            raise BadFileFormatError(f"Setting Targets: {name} must lead to <bucket> or <bucket>/<prefix>")


def _text(environment: Environment, s3: Callable[[], S3Client]) -> str | bytes:
    if not environment.settings_object:
        return environment.settings
    found = _OBJECT.fullmatch(environment.settings_object)
    if found is None:
        raise BadFileFormatError("SETTINGS_OBJECT names no version of an object")
    bucket, key, version = found.groups()
    with translated():
        return s3().get_object(Bucket=bucket, Key=key, VersionId=version)["Body"].read()


def _document(text: str | bytes) -> object:
    try:
        return json.loads(text)
    except ValueError as error:  # of bytes that are no text, too
        raise BadFileFormatError("They are not JSON") from error
