"""What a rule decides once for all files that ever arrive under it, as a job does for its own."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from dicomorph.model.object_keys import KEY_BYTES
from dicomorph.services.arrival.rules import ArrivalRule
from dicomorph.services.backend import Backend
from dicomorph.services.server.anonymized_names import next_anonymized_name


@dataclass(frozen=True, slots=True)
class Pseudonyms:
    """Where the new identities of a rule come from.

    Parameters
    ----------
    key : bytes
        The secret behind new UIDs and PatientIDs; it stays in the table of the deployment.
    name : str
        The new PatientName, ``Anonymized<N>``; empty where the rule needs none.
    """

    key: bytes
    name: str


def pseudonyms_of(backend: Backend, rule: ArrivalRule) -> Pseudonyms:
    """Return what was decided for a rule; the first file under it decides.

    It goes by the name of the pseudonyms, not by what the rule asks for: a rule that is changed
    leaves each patient the identity that came before.
    """
    names_of = hashlib.sha256(rule.pseudonyms.encode()).hexdigest()
    key = _established(backend, f"ArrivalKey-{names_of}", lambda: backend.new_token(KEY_BYTES).hex())
    name = ""
    if rule.modification is not None and rule.modification.needs_name:
        name = _established(backend, f"ArrivalName-{names_of}", lambda: next_anonymized_name(backend))
    return Pseudonyms(bytes.fromhex(key), name)


def _established(backend: Backend, name: str, decide: Callable[[], str]) -> str:
    properties = backend.index.properties
    return properties.read_secret(name) or properties.establish_secret(name, decide())
