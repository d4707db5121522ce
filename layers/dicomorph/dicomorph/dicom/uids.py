"""New identifiers as a keyed function of the original ones (architecture: no shared state).

Whoever holds the key of a job derives the same new identifier from the same original, so
workers need not talk to each other, and a repeated step writes the same bytes. Without the
key nothing leads back.
"""

from __future__ import annotations

import enum
import hmac
import uuid

_REMEMBERED = 200_000  # hostile files must not grow the table without bound


class Namespace(enum.Enum):
    """What an identifier names; equal originals in different namespaces get unrelated replacements.

    Orthanc's editions map studies, series and instances apart (spec 3.7).
    """

    PATIENT = b"patient"
    STUDY = b"study"
    SERIES = b"series"
    INSTANCE = b"instance"


class IdentityMapper:
    """Derives replacements of identifiers from a secret.

    Parameters
    ----------
    key : bytes
        The secret of a job, at least 16 bytes.

    Examples
    --------
    >>> mapper = IdentityMapper(b"0123456789abcdef")
    >>> mapper.uid(Namespace.STUDY, "1.2.3") == mapper.uid(Namespace.STUDY, "1.2.3")
    True
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:  # noqa: PLR2004 - 128 bits
            message = "The key of a mapper has at least 16 bytes"
            raise ValueError(message)
        self._key = key
        self._known: dict[tuple[Namespace, str], str] = {}

    def uid(self, namespace: Namespace, original: str) -> str:
        """Return the new UID of an original one, below the UUID root 2.25 (PS3.5 B.2).

        `original` has its padding removed already.
        """
        found = self._known.get((namespace, original))
        if found is None:
            found = f"2.25.{self._uuid(namespace, original).int}"
            self._remember(namespace, original, found)
        return found

    def patient_id(self, original: str) -> str:
        """Return the new PatientID of an original one: a lower-case UUID, as Orthanc's (spec 3.7)."""
        found = self._known.get((Namespace.PATIENT, original))
        if found is None:
            found = str(self._uuid(Namespace.PATIENT, original))
            self._remember(Namespace.PATIENT, original, found)
        return found

    def _uuid(self, namespace: Namespace, original: str) -> uuid.UUID:
        message = namespace.value + b"\0" + original.encode("utf-8", "surrogatepass")
        return uuid.UUID(bytes=hmac.digest(self._key, message, "sha256")[:16], version=4)

    def _remember(self, namespace: Namespace, original: str, new: str) -> None:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[namespace, original] = new
