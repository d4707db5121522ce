"""Which editions of the profile there are, and which of them are read as the standard means them."""

from __future__ import annotations

_CONFORMANT = frozenset(("2024b", "2025e", "2026d"))


def is_conformant(edition: str) -> bool:
    """Tell whether an edition is read as PS3.15 means it, and not as Orthanc reads its own four."""
    return edition in _CONFORMANT
