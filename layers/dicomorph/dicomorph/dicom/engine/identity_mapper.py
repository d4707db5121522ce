"""New identifiers as a keyed function of the original ones (architecture: no shared state).

Whoever holds the key of a job derives the same new identifier from the same original, so
workers need not talk to each other, and a repeated step writes the same bytes. Without the
key nothing leads back.
"""

from __future__ import annotations

import enum
import hashlib
import uuid
from collections.abc import Mapping

from dicomorph.dicom.standard.registered_uids import is_registered
from dicomorph.dicom.standard.tags import SOP_INSTANCE_UID

_UUID_MASK = ~(0xF << 76 | 0x3 << 62)
_UUID_BITS = 0x4 << 76 | 0x2 << 62  # version 4, variant RFC 9562
_REMEMBERED = 100_000  # hostile files must not grow what is remembered without bound


class Namespace(enum.Enum):
    """What an identifier names; equal originals in different namespaces get unrelated replacements.

    Orthanc's editions map studies, series and instances apart (spec 3.7).
    """

    PATIENT = b"patient"
    STUDY = b"study"
    SERIES = b"series"
    INSTANCE = b"instance"


_COPIED = (Namespace.INSTANCE,)


class IdentityMapper:
    """Derives replacements of identifiers from a secret.

    Parameters
    ----------
    key : bytes
        The secret of a job, at least 16 bytes.
    copy : int
        Which copy is made of an instance that a job takes several times: each gets a
        SOPInstanceUID of its own, and the same series and study.
    one_namespace : bool
        Whether the same original UID gets the same new one whatever it names, so that any reference
        leads where it did, and UIDs that the standard registers stay. Only its own SOPInstanceUID
        tells a copy from the others then.

    Examples
    --------
    >>> mapper = IdentityMapper(b"0123456789abcdef")
    >>> mapper.uid(Namespace.STUDY, "1.2.3") == mapper.uid(Namespace.STUDY, "1.2.3")
    True
    """

    def __init__(self, key: bytes, *, copy: int = 0, one_namespace: bool = False) -> None:
        if len(key) < 16:  # noqa: PLR2004 - 128 bits
            message = "The key of a mapper has at least 16 bytes"
            raise ValueError(message)
        # The two hashes of HMAC (RFC 2104), begun once: copies cost a third of a new HMAC.
        padded = key.ljust(64, b"\0") if len(key) <= 64 else hashlib.sha256(key).digest().ljust(64, b"\0")  # noqa: PLR2004 - the block size
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))
        self._patient_ids = _Numbers(self._inner, self._outer, b"patient id")
        self._patients_of_studies = _Numbers(self._inner, self._outer, b"patient id of a study")
        self._dummies = _Numbers(self._inner, self._outer, b"dummy")
        self.one_namespace = one_namespace
        own = b" copy %d" % copy if copy else b""
        if one_namespace:
            shared = _UnregisteredUids(self._inner, self._outer, b"uid")
            self._uids: dict[Namespace, _Uids] = dict.fromkeys(Namespace, shared)
            self._own = _Uids(self._inner, self._outer, b"uid" + own) if own else shared
            return
        self._uids = {
            namespace: _Uids(self._inner, self._outer, namespace.value + own * (namespace in _COPIED))
            for namespace in Namespace
        }
        self._own = self._uids[Namespace.INSTANCE]

    def uid(self, namespace: Namespace, original: str) -> str:
        """Return the new UID of an original one, below the UUID root 2.25 (PS3.5 B.2).

        `original` has its padding removed already.
        """
        return self._uids[namespace][original.encode("utf-8")].decode("ascii")

    def uids(self, namespace: Namespace, tag: int = 0) -> Mapping[bytes, bytes]:
        """Return the new UIDs by the original ones, in UTF-8 and without padding: `uid`, for hot loops.

        Parameters
        ----------
        tag : int
            Of the elements that hold them.
        """
        is_own = tag == SOP_INSTANCE_UID and namespace is Namespace.INSTANCE
        return self._own if is_own else self._uids[namespace]

    def absent_uid(self, namespace: Namespace, tag: int) -> bytes:
        """Return the UID of what a file has none for; in one namespace too, a series is not its study."""
        original = b"absent " + namespace.value if self.one_namespace else b""
        return self.uids(namespace, tag)[original]

    def dummy(self, original: str) -> int:
        """Return a number below 2**128 in place of a value that tells entities apart.

        It does not depend on the attribute: what was equal in two places still is.
        """
        return self._dummies.number(original.encode("utf-8"))

    def patient_id(self, original: str) -> str:
        """Return the new PatientID of an original one: a lower-case UUID, as Orthanc's (spec 3.7)."""
        return str(uuid.UUID(int=self._patient_ids.number(original.encode("utf-8"))))

    def patient_id_of_study(self, study_instance_uid: str) -> str:
        """Return the new PatientID of a study whose patient has an empty one, and may be anybody."""
        return str(uuid.UUID(int=self._patients_of_studies.number(study_instance_uid.encode("utf-8"))))


class _Numbers:
    """Numbers that are UUIDs of version 4: HMAC-SHA-256 of a domain and an original, shortened."""

    def __init__(self, inner: hashlib._Hash, outer: hashlib._Hash, domain: bytes) -> None:
        self._inner = inner.copy()
        self._inner.update(domain + b"\0")
        self._outer = outer

    def number(self, original: bytes) -> int:
        """Return the number of an original."""
        inner = self._inner.copy()
        inner.update(original)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return int.from_bytes(outer.digest()[:16], "big") & _UUID_MASK | _UUID_BITS


class _Uids(dict[bytes, bytes]):
    """New UIDs by their originals, made when they are asked for first."""

    def __init__(self, inner: hashlib._Hash, outer: hashlib._Hash, domain: bytes) -> None:
        super().__init__()
        self._number = _Numbers(inner, outer, domain).number

    def __missing__(self, original: bytes) -> bytes:
        if len(self) >= _REMEMBERED:
            self.clear()
        new = self[original] = b"2.25.%d" % self._number(original)
        return new


class _UnregisteredUids(_Uids):
    """New UIDs, but for those of the standard, which stay."""

    def __missing__(self, original: bytes) -> bytes:
        return original if is_registered(original) else super().__missing__(original)
