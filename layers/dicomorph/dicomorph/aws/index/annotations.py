"""Changing what is said of a resource: main tags, metadata, labels."""

from __future__ import annotations

from contextlib import suppress

from dicomorph.aws.dynamodb.errors import ConditionLostError
from dicomorph.aws.dynamodb.expressions import EXISTS, Condition, Update
from dicomorph.aws.dynamodb.keys import Item, resource_key
from dicomorph.aws.dynamodb.table import Table
from dicomorph.aws.index.items import (
    LABEL,
    METADATA,
    REVISION,
    bounded,
    encode_tags,
    encode_text,
    is_pending,
)
from dicomorph.model.errors import ConflictError, UnknownResourceError
from dicomorph.model.metadata_names import MAIN_DICOM_SEQUENCES, OF_MAIN_TAGS
from dicomorph.model.resources import Level, LevelFacts, MetadataValue
from dicomorph.ports.index import refuse_system_metadata


class DynamoAnnotations:
    """The port `Annotations`: writes that touch a resource and not the hierarchy.

    Parameters
    ----------
    table : Table
        Where the items lie.
    """

    def __init__(self, table: Table) -> None:
        self._table = table

    def refresh(self, level: Level, resource_id: str, facts: LevelFacts) -> None:
        """See `Annotations.refresh`."""
        values = {"Tags": encode_tags(facts.main_tags)}
        if level is Level.STUDY:
            values["PatientTags"] = encode_tags(facts.patient_main_tags)
        for name in OF_MAIN_TAGS:
            if name in facts.metadata:
                values[METADATA + name] = encode_text(facts.metadata[name])
        update = Update(EXISTS, bounded(values), frozenset({METADATA + MAIN_DICOM_SEQUENCES}))
        with suppress(ConditionLostError):
            self._table.update(resource_key(level, resource_id), update)

    def set_metadata(
        self, level: Level, resource_id: str, name: str, value: str, *, expected: int | None
    ) -> MetadataValue:
        """See `Annotations.set_metadata`."""
        refuse_system_metadata(name)
        written = MetadataValue(value, 0 if expected is None else expected + 1)
        values: Item = {METADATA + name: encode_text(value)}
        if written.revision:
            values[REVISION + name] = {"N": str(written.revision)}
        self._change(level, resource_id, _at_revision(name, expected, values, frozenset()))
        return written

    def remove_metadata(self, level: Level, resource_id: str, name: str, *, expected: int) -> None:
        """See `Annotations.remove_metadata`."""
        refuse_system_metadata(name)
        gone = frozenset({METADATA + name, REVISION + name})
        self._change(level, resource_id, _at_revision(name, expected, {}, gone))

    def set_labels(
        self, level: Level, resource_id: str, *, add: frozenset[str], remove: frozenset[str]
    ) -> None:
        """See `Annotations.set_labels`."""
        values = {LABEL + label: {"BOOL": True} for label in add}
        gone = frozenset(LABEL + label for label in remove)
        if values or gone:
            self._change(level, resource_id, Update(EXISTS, values, gone))
        else:
            item = self._table.get(resource_key(level, resource_id))
            if item is None or is_pending(item):
                raise UnknownResourceError

    def _change(self, level: Level, resource_id: str, update: Update) -> None:
        try:
            self._table.update(resource_key(level, resource_id), update)
        except ConditionLostError as lost:
            if lost.found is None or is_pending(lost.found):
                raise UnknownResourceError from lost
            raise ConflictError("The metadata has another revision") from lost


def _at_revision(name: str, expected: int | None, put: Item, drop: frozenset[str]) -> Update:
    """Return an update on condition of the revision of a metadata; 0 is not written."""
    names = {"#value": METADATA + name, "#revision": REVISION + name}
    if expected is None:
        held = Condition(f"{EXISTS.text} AND attribute_not_exists(#value)")
        del names["#revision"]
    elif expected == 0:
        held = Condition(f"{EXISTS.text} AND attribute_exists(#value) AND attribute_not_exists(#revision)")
    else:
        held = Condition(f"{EXISTS.text} AND #revision = :revision", {":revision": {"N": str(expected)}})
        del names["#value"]
    return Update(held, put, drop, names)
