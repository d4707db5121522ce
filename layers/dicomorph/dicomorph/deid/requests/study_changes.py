"""What becomes of an instance that moves to another study: splitting and merging (spec 4)."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from dicomorph.deid.requests.modification import Modification
from dicomorph.dicom.standard.tag_path import TagNames, TagPath
from dicomorph.dicom.standard.tags import STUDY_INSTANCE_UID, format_tag
from dicomorph.model.errors import BadFileFormatError, ParameterOutOfRangeError
from dicomorph.model.resources import Json, Level
from dicomorph.model.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyChanges:
    """New values of the Patient and General Study modules, the same for all instances of a job.

    Parameters
    ----------
    replace : Mapping[int, str]
        StudyInstanceUID is always among them.
    remove : frozenset[int]
        Of these, `replace` takes precedence.
    """

    replace: Mapping[int, str]
    remove: frozenset[int]

    def to_json(self) -> dict[str, Json]:
        """Return the form that the documents of a job hold."""
        return {
            "Replace": {f"{tag:08x}": value for tag, value in self.replace.items()},
            "Remove": [f"{tag:08x}" for tag in sorted(self.remove)],
        }

    @classmethod
    def from_json(cls, document: Mapping[str, Json]) -> StudyChanges:
        """Return what `to_json` wrote."""
        replace, remove = document["Replace"], document["Remove"]
        if not isinstance(replace, dict) or not isinstance(remove, list):
            raise BadFileFormatError("The changes of the job are damaged")
        return cls(
            replace={int(tag, 16): str(value) for tag, value in replace.items()},
            remove=frozenset(int(str(tag), 16) for tag in remove),
        )

    def modification(self) -> Modification:
        """Return the same as a modification of a study: series and instances get new UIDs as well."""
        return Modification(
            level=Level.STUDY,
            is_anonymization=False,
            edition="",
            replace={TagPath((), tag): value for tag, value in self.replace.items()},
            remove=frozenset(TagPath((), tag) for tag in self.remove),
            keep=frozenset(),
            remove_private_tags=False,
            keep_private_tags=False,
            force=True,
            private_creator="",
            redeclares=True,  # nobody can name a character set here
            takes_data_uris=False,  # these are texts of requests and files, copied as they are (spec 4.1)
        )


@functools.cache
def study_tags() -> frozenset[int]:
    """Return the attributes of the Patient and General Study modules, in Orthanc's reading."""
    file = resources.files("dicomorph.deid") / "tables" / "patient_and_study_modules.json"
    modules = json.loads(file.read_text(encoding="ascii"))
    return frozenset(int(tag, 16) for tags in modules.values() for tag in tags)


def read_split_changes(body: Mapping[str, Json], *, study_uid: str, settings: Settings) -> StudyChanges:
    """Read what a request to split a study wants changed in the instances that leave.

    Parameters
    ----------
    study_uid : str
        StudyInstanceUID of the new study.

    Raises
    ------
    BadFileFormatError
        If a field has the wrong type.
    ParameterOutOfRangeError
        If a tag belongs to neither module, or is StudyInstanceUID.
    UnknownDicomTagError
        For a misspelled tag.
    """
    names = TagNames(settings.dictionary)
    remove = body.get("Remove", [])
    if not isinstance(remove, list) or not all(isinstance(name, str) for name in remove):
        raise BadFileFormatError("'Remove' must be an array of strings")
    removed = frozenset(_study_tag(names, str(name)) for name in remove)
    replace = body.get("Replace", {})
    if not isinstance(replace, dict):
        raise BadFileFormatError("'Replace' must be an object")
    replaced: dict[int, str] = {}
    for name in sorted(replace):
        value = replace[name]
        tag = _study_tag(names, name)
        if not isinstance(value, str):
            raise BadFileFormatError("The values of 'Replace' must be strings")
        replaced[tag] = value
    return StudyChanges(replace={**replaced, STUDY_INSTANCE_UID: study_uid}, remove=removed)


def merge_changes(values: Mapping[int, str]) -> StudyChanges:
    """Return what makes instances belong to the study in which one instance has these values.

    Parameters
    ----------
    values : Mapping[int, str]
        The plain strings of the instance; what it lacks of the two modules is removed.
    """
    replace = {tag: value for tag, value in values.items() if tag in study_tags()}
    return StudyChanges(replace=replace, remove=study_tags() - replace.keys())


def _study_tag(names: TagNames, name: str) -> int:
    tag = names.tag(name)
    if tag == STUDY_INSTANCE_UID or tag not in study_tags():
        raise ParameterOutOfRangeError(f"{format_tag(tag)} cannot be changed while a study is split")
    return tag
