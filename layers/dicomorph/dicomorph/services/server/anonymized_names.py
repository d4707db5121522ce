"""The names that anonymization gives where nobody named one (spec 3.9)."""

from __future__ import annotations

from dicomorph.services.backend import Backend

COUNTER = "AnonymizationSequence"
"""The one behind the numbers."""


def next_anonymized_name(backend: Backend) -> str:
    """Return ``Anonymized<N>``, with a number that no request of this server has had before."""
    return f"Anonymized{backend.index.properties.next_number(COUNTER)}"
