"""New identifiers as a keyed function of the original ones (architecture: no shared state).

Whoever holds the key of a job derives the same new identifier from the same original, so
workers need not talk to each other, and a repeated step writes the same bytes. Without the
key nothing leads back.
"""

from __future__ import annotations

import enum
import hashlib
import uuid

_UUID_MASK = ~(0xF << 76 | 0x3 << 62)
_UUID_BITS = 0x4 << 76 | 0x2 << 62  # version 4, variant RFC 9562
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
        # The two hashes of HMAC (RFC 2104), begun once: copies cost a third of a new HMAC.
        padded = key.ljust(64, b"\0") if len(key) <= 64 else hashlib.sha256(key).digest().ljust(64, b"\0")  # noqa: PLR2004 - the block size
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))
        self._known: dict[bytes, str] = {}

    def uid(self, namespace: Namespace, original: str) -> str:
        """Return the new UID of an original one, below the UUID root 2.25 (PS3.5 B.2).

        `original` has its padding removed already.
        """
        message = namespace.value + b"\0" + original.encode("utf-8")
        return self._known.get(message) or self._remember(message, f"2.25.{self._number(message)}")

    def patient_id(self, original: str) -> str:
        """Return the new PatientID of an original one: a lower-case UUID, as Orthanc's (spec 3.7)."""
        message = b"patient id\0" + original.encode("utf-8")
        known = self._known.get(message)
        return known or self._remember(message, str(uuid.UUID(int=self._number(message))))

    def _number(self, message: bytes) -> int:
        """Return a UUID of version 4 as a number: HMAC-SHA-256, shortened."""
        inner = self._inner.copy()
        inner.update(message)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return int.from_bytes(outer.digest()[:16], "big") & _UUID_MASK | _UUID_BITS

    def _remember(self, message: bytes, new: str) -> str:
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[message] = new
        return new
