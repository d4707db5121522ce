"""Labels of resources."""

from __future__ import annotations

import re

from dicomorph.model.errors import ParameterOutOfRangeError, UnknownResourceError
from dicomorph.model.resources import Level
from dicomorph.services.backend import Backend

_LABEL = re.compile("[A-Za-z0-9_-]{1,64}")


def list_labels(backend: Backend, level: Level, resource_id: str) -> list[str]:
    """Return the labels of a resource, sorted.

    Raises
    ------
    UnknownResourceError
        If the resource does not exist.
    """
    resource = backend.index.catalogue.get(level, resource_id)
    if resource is None:
        raise UnknownResourceError
    return sorted(resource.labels)


def has_label(backend: Backend, level: Level, resource_id: str, label: str) -> bool:
    """Tell whether a resource has a label; errors as in `list_labels`."""
    return label in list_labels(backend, level, resource_id)


def add_label(backend: Backend, level: Level, resource_id: str, label: str) -> None:
    """Add a label; adding it again changes nothing.

    Raises
    ------
    ParameterOutOfRangeError
        If it is not 1 to 64 of the characters ``A-Za-z0-9_-``.
    UnknownResourceError
        If the resource does not exist.
    """
    backend.index.annotations.set_labels(
        level, resource_id, add=frozenset((_checked(label),)), remove=frozenset()
    )


def remove_label(backend: Backend, level: Level, resource_id: str, label: str) -> None:
    """Remove a label, if the resource has it; errors as in `add_label`."""
    backend.index.annotations.set_labels(
        level, resource_id, add=frozenset(), remove=frozenset((_checked(label),))
    )


def _checked(label: str) -> str:
    if not _LABEL.fullmatch(label):
        raise ParameterOutOfRangeError("A label is 1 to 64 letters, digits, underscores and hyphens")
    return label
