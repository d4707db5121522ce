"""Orthanc's own settings, as far as they mean something here (spec 8.1)."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from dicomorph.model.access import AccessTrailSetting, read_access_trail
from dicomorph.model.errors import BadFileFormatError
from dicomorph.model.resources import Json

MEGABYTE = 1 << 20
"""Bytes of what Orthanc calls MB."""

MAXIMUM_INFLATED_MEGABYTES = 512


class OverwriteInstances(enum.Enum):
    """What an upload does when its instance is stored already."""

    NEVER = "Never"
    ALWAYS = "Always"
    IF_CHANGED = "IfChanged"

    @property
    def replaces(self) -> bool:
        """Whether another version can take the place of a stored one."""
        return self is not OverwriteInstances.NEVER

    @property
    def compares(self) -> bool:
        """Whether versions of an instance are told apart by their MD5."""
        return self is OverwriteInstances.IF_CHANGED

    def keeps(self, held_md5: str, md5: str) -> bool:
        """Tell whether a stored instance stays when another version of it arrives.

        Parameters
        ----------
        held_md5, md5 : str
            Of the stored version and of the other one; empty if unknown, which is like no other.
        """
        if self.compares:
            return bool(md5) and held_md5 == md5
        return self is OverwriteInstances.NEVER


class UnencodableText(enum.Enum):
    """What happens to replacement text that the character set of the file cannot hold."""

    ERROR = "Error"
    DROP = "Drop"


class ModifiedReferences(enum.Enum):
    """What a modification makes of references to what gets new identifiers in the same job."""

    FOLLOW = "Follow"
    KEEP = "Keep"  # as in Orthanc


@dataclass(frozen=True, slots=True)
class PrivateTag:
    """One entry of the setting ``Dictionary`` for a private tag."""

    tag: int
    vr: str
    name: str
    creator: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of a deployment; the attributes are Orthanc's names in snake_case."""

    overwrite_instances: OverwriteInstances = OverwriteInstances.NEVER
    default_encoding: str = "Latin1"
    default_private_creator: str = ""
    default_dicom_version: str = ""  # that of the version (`deid.editions.default_edition`)
    unencodable_text: UnencodableText = UnencodableText.ERROR
    modified_references: ModifiedReferences = ModifiedReferences.FOLLOW
    ingest_transcoding: str = ""  # the UID of a lossless transfer syntax
    dicom_lossy_transcoding_quality: int = 90
    sync_storage_area: bool = True
    jobs_history_size: int = 10
    concurrent_jobs: int | None = None  # two on one machine, as many as there are workers on AWS
    require_patient_id: bool = False
    store_anonymized_from: bool = True
    targets: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    target_mode: int = 0o600
    arrival_rules: Mapping[str, Mapping[str, Json]] = field(default_factory=lambda: MappingProxyType({}))
    arrival_stable_age: int = 5
    allow_lists: str = ""  # a folder; on AWS what the keys in the stack's bucket begin with
    refuse_burned_in: bool = False
    rejected_days: int = 30  # 0 is for ever
    maximum_storage_size: int = 0  # this and the next ones in MB
    maximum_storage_mode: str = "Reject"
    minimum_free_space: int | None = None  # of a disk that is small, less than of a large one
    maximum_body_size: int = 0
    maximum_inflated_size: int = MAXIMUM_INFLATED_MEGABYTES
    check_revisions: bool = False
    stable_age: int = 60
    limit_find_instances: int = 0
    limit_find_results: int = 0
    case_sensitive_pn: bool = False
    http_describe_errors: bool = True
    allowed_hosts: frozenset[str] = frozenset()
    allowed_origins: frozenset[str] = frozenset()
    ssl_enabled: bool = False
    ssl_certificate: str = "certificate.pem"
    ssl_private_key: str = ""  # in the file of the certificate
    paused_job_timeout: int = 0  # none
    user_metadata: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    dictionary: tuple[PrivateTag, ...] = ()
    access_trail: AccessTrailSetting | None = None  # none is kept


def parse_settings(document: object) -> Settings:
    """Read settings by Orthanc's names.

    Parameters
    ----------
    document : object
        A decoded JSON document, such as the content of the file given as ``--settings``.

    Raises
    ------
    BadFileFormatError
        For an unknown name (the known ones are listed), or a value of the wrong type.
    """
    if not isinstance(document, dict):
        message = "Settings must be a JSON object"
        raise BadFileFormatError(message)
    unknown = sorted(document.keys() - _READERS.keys())
    if unknown:
        message = f"Unknown settings: {', '.join(unknown)}. Known settings: {', '.join(sorted(_READERS))}"
        raise BadFileFormatError(message)
    values: dict[str, Any] = {}
    for name, value in document.items():
        attribute, read = _READERS[name]
        try:
            values[attribute] = read(value)
        except (TypeError, ValueError, LookupError, AttributeError) as error:
            message = f"Setting {name}: {error}"
            raise BadFileFormatError(message) from error
    return Settings(**values)


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        message = "must be true or false"
        raise TypeError(message)
    return value


def _count(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        message = "must be a whole number of at least 0"
        raise TypeError(message)
    return value


def _quality(value: object) -> int:
    if not 1 <= _count(value) <= 100:  # noqa: PLR2004 - Orthanc's scale
        message = "must be a whole number from 1 to 100"
        raise ValueError(message)
    return int(str(value))


def _text(value: object) -> str:
    if not isinstance(value, str):
        message = "must be a string"
        raise TypeError(message)
    return value


def _overwrite(value: object) -> OverwriteInstances:
    if isinstance(value, bool):  # Orthanc's older form: false and true
        return OverwriteInstances.ALWAYS if value else OverwriteInstances.NEVER
    return OverwriteInstances(value)


def _user_metadata(value: Any) -> Mapping[str, int]:
    first, last = 1024, 65535  # spec 1.4: the user's range
    for name, number in value.items():
        if not isinstance(name, str) or not first <= _count(number) <= last:
            message = f"numbers lie between {first} and {last}"
            raise ValueError(message)
    return MappingProxyType(dict(value))


def _targets(value: Any) -> Mapping[str, str]:
    for name, place in value.items():
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name) or not _text(place):
            message = (
                "a name of letters, digits, _ and - for each place: a folder, or <bucket>/<prefix> on AWS"
            )
            raise ValueError(message)
    return MappingProxyType(dict(value))


def _arrival_rules(value: Any) -> Mapping[str, Mapping[str, Json]]:
    """Read rules by prefix; what they mean is found out where files arrive (`services.arrival.rules`)."""
    if not all(isinstance(rule, dict) for rule in value.values()):
        message = "a JSON object for each prefix"
        raise TypeError(message)
    return MappingProxyType(dict(value))


def _file_mode(value: object) -> int:
    if not re.fullmatch("0?6[046][04]", _text(value)):
        message = "rights of files in octal, such as 0640: the owner reads and writes, others may read"
        raise ValueError(message)
    return int(str(value), 8)


def _storage_mode(value: object) -> str:
    if value != "Reject":
        message = "must be Reject: no patient is deleted to make room for another"
        raise ValueError(message)
    return "Reject"


def _hosts(value: Any) -> frozenset[str]:
    for name in value:
        if not re.fullmatch(r"[A-Za-z0-9._-]{1,253}", name):
            message = "names of hosts, without scheme and port"
            raise ValueError(message)
    return frozenset(name.lower().removesuffix(".") for name in value)


def _origins(value: Any) -> frozenset[str]:
    for origin in value:
        if not re.fullmatch(r"https?://[a-z0-9._-]+(:[0-9]{1,5})?", origin):
            message = (
                "origins as browsers write them: https://viewer.example.org, in lower case, without a path"
            )
            raise ValueError(message)
    return frozenset(value)


def _dictionary(value: Any) -> tuple[PrivateTag, ...]:
    entries = []
    for text, entry in value.items():
        if not re.fullmatch(r"[0-9A-Fa-f]{4}[,-][0-9A-Fa-f]{4}", text):
            message = f"{text} is not of the form gggg,eeee"
            raise ValueError(message)
        vr, name = _text(entry[0]), _text(entry[1])
        creator_at = 4
        creator = _text(entry[creator_at]) if len(entry) > creator_at else ""
        entries.append(PrivateTag(int(text[:4] + text[5:], 16), vr, name, creator))
    return tuple(entries)


_READERS = {
    "OverwriteInstances": ("overwrite_instances", _overwrite),
    "DefaultEncoding": ("default_encoding", _text),
    "DefaultPrivateCreator": ("default_private_creator", _text),
    "DefaultDicomVersion": ("default_dicom_version", _text),
    "UnencodableText": ("unencodable_text", UnencodableText),
    "ModifiedReferences": ("modified_references", ModifiedReferences),
    "IngestTranscoding": ("ingest_transcoding", _text),
    "DicomLossyTranscodingQuality": ("dicom_lossy_transcoding_quality", _quality),
    "SyncStorageArea": ("sync_storage_area", _boolean),
    "JobsHistorySize": ("jobs_history_size", _count),
    "ConcurrentJobs": ("concurrent_jobs", _count),
    "RequirePatientID": ("require_patient_id", _boolean),
    "StoreAnonymizedFrom": ("store_anonymized_from", _boolean),
    "Targets": ("targets", _targets),
    "TargetMode": ("target_mode", _file_mode),
    "ArrivalRules": ("arrival_rules", _arrival_rules),
    "ArrivalStableAge": ("arrival_stable_age", _count),
    "AllowLists": ("allow_lists", _text),
    "RefuseBurnedIn": ("refuse_burned_in", _boolean),
    "RejectedDays": ("rejected_days", _count),
    "MaximumStorageSize": ("maximum_storage_size", _count),
    "MaximumStorageMode": ("maximum_storage_mode", _storage_mode),
    "MinimumFreeSpace": ("minimum_free_space", _count),
    "MaximumBodySize": ("maximum_body_size", _count),
    "MaximumInflatedSize": ("maximum_inflated_size", _count),
    "CheckRevisions": ("check_revisions", _boolean),
    "StableAge": ("stable_age", _count),
    "LimitFindInstances": ("limit_find_instances", _count),
    "LimitFindResults": ("limit_find_results", _count),
    "CaseSensitivePN": ("case_sensitive_pn", _boolean),
    "HttpDescribeErrors": ("http_describe_errors", _boolean),
    "AllowedHosts": ("allowed_hosts", _hosts),
    "AllowedOrigins": ("allowed_origins", _origins),
    "SslEnabled": ("ssl_enabled", _boolean),
    "SslCertificate": ("ssl_certificate", _text),
    "SslPrivateKey": ("ssl_private_key", _text),
    "PausedJobTimeout": ("paused_job_timeout", _count),
    "UserMetadata": ("user_metadata", _user_metadata),
    "Dictionary": ("dictionary", _dictionary),
    "AccessTrail": ("access_trail", read_access_trail),
}
