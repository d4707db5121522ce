"""Index entries of stored files, uploads and products alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from dicomorph.dicom.views.description import Description
from dicomorph.model.metadata_names import (
    HTTP_USERNAME,
    ORIGIN,
    RECEPTION_DATE,
    REMOTE_AET,
    REMOTE_IP,
    SYSTEM_METADATA,
    metadata_time,
)
from dicomorph.model.resources import Ancestry, InstanceEntry, Level, LevelFacts, ObjectRef, Resource

_LARGE = 8 << 20  # bytes; smaller files are read as a whole as fast


def instance_entry(
    description: Description, ancestry: Ancestry, ref: ObjectRef, *, md5: str, metadata: Mapping[str, str]
) -> InstanceEntry:
    """Return the index entry of a stored file; of a large one, the end of its pixel data is recorded.

    Parameters
    ----------
    metadata : Mapping[str, str]
        Of the instance, beside what derives from the file (`given_metadata`); ``RemoteAET`` is the
        series' too (spec 1.4).
    """
    of_series = {name: metadata[name] for name in (REMOTE_AET,) if name in metadata}
    given = {Level.INSTANCE: metadata, Level.SERIES: of_series}
    facts = {
        level: LevelFacts(found.main_tags, {**found.metadata, **given.get(level, {})})
        for level, found in description.facts.items()
    }
    if ref.size >= _LARGE:
        ref = replace(ref, fragments=description.fragments)
    return InstanceEntry(ancestry=ancestry, object=ref, md5=md5, facts=facts)


def annotated_as(entry: InstanceEntry, held: Resource) -> InstanceEntry:
    """Carry over what clients have said of the instance that an entry takes the place of."""
    level = Level.INSTANCE
    written = {name: one.value for name, one in held.metadata.items() if name not in SYSTEM_METADATA}
    facts = replace(entry.facts[level], metadata={**entry.facts[level].metadata, **written})
    labels = entry.labels.get(level, frozenset()) | held.labels
    return replace(entry, facts={**entry.facts, level: facts}, labels={**entry.labels, level: labels})


def given_metadata(
    received: datetime, *, remote_ip: str = "", username: str = "", origin: str = "RestApi"
) -> dict[str, str]:
    """Return what an instance is given when it is stored, beside what derives from its file.

    There is no AE that sent it: uploads and products come by the REST API.

    Parameters
    ----------
    received : datetime
        In UTC.
    remote_ip : str
        Of the client that sent the file or asked for the job.
    username : str
        Of this client; empty if nobody asked for one.
    origin : str
        One of Orthanc's: ``Unknown`` for what lay in a bucket or folder one day.
    """
    return {
        HTTP_USERNAME: username,
        ORIGIN: origin,
        RECEPTION_DATE: metadata_time(received),
        REMOTE_AET: "",
        REMOTE_IP: remote_ip,
    }
