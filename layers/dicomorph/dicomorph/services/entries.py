"""Index entries of stored files, uploads and products alike."""

from __future__ import annotations

from collections.abc import Mapping

from dicomorph.dicom.views.description import Description
from dicomorph.model.resources import Ancestry, InstanceEntry, Level, LevelFacts, ObjectRef


def instance_entry(
    description: Description, ancestry: Ancestry, ref: ObjectRef, *, md5: str, metadata: Mapping[str, str]
) -> InstanceEntry:
    """Return the index entry of a stored file.

    Parameters
    ----------
    metadata : Mapping[str, str]
        Of the instance, beside what derives from the file; ``RemoteAET`` is the series' too (spec 1.4).
    """
    of_series = {name: metadata[name] for name in ("RemoteAET",) if name in metadata}
    given = {Level.INSTANCE: metadata, Level.SERIES: of_series}
    facts = {
        level: LevelFacts(found.main_tags, {**found.metadata, **given.get(level, {})})
        for level, found in description.facts.items()
    }
    return InstanceEntry(ancestry=ancestry, object=ref, md5=md5, facts=facts)
