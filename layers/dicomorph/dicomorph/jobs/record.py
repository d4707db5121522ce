"""The record of a job as JSON, the same for each store: the fields of `Job`, whichever there are.

Records outlive the version that wrote them. A field that an earlier version did not know has its
default. One that a later version has added is ignored: after a rollback the jobs in flight must
still be read, for whoever lists jobs or discards a file looks at all of them. The next update
forgets such a field, so its default must suit a job that an earlier version has changed.
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from dicomorph.jobs.model import Job
from dicomorph.model.resources import Json


def encode(job: Job) -> dict[str, Json]:
    """Return a job as values that JSON knows, by the names of its fields."""
    return {field.name: _encoded(getattr(job, field.name)) for field in dataclasses.fields(job)}


def decode(record: Mapping[str, Any]) -> Job:
    """Return a job from its record, of this version or another one.

    Raises
    ------
    TypeError
        If a field is absent that every version has written.
    ValueError
        If this version does not know the state, the type or the level.
    """
    return Job(**{name: read(record[name]) for name, read in _READERS.items() if name in record})


def _encoded(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, bytes):
        return value.hex()
    return dict(value) if isinstance(value, Mapping) else value


def _reader(kind: Any) -> Callable[[Any], Any]:
    """Return what makes a value of a field's type out of the one in a record."""
    if kind is bytes:
        return bytes.fromhex
    if isinstance(kind, enum.EnumType):
        return kind
    return lambda value: value


_READERS = {name: _reader(kind) for name, kind in get_type_hints(Job).items()}
