"""What is needed to take files in where they arrive."""

from __future__ import annotations

from dataclasses import dataclass, field

from dicomorph.ports.arrivals import Arrivals
from dicomorph.services.arrival.rule_editor import RuleEditor
from dicomorph.services.arrival.rules import ArrivalRule, ArrivalRules
from dicomorph.services.backend import Backend, Target
from dicomorph.services.server.default_encoding import default_encoding


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One place of arrival. It is used by one thread at a time: rules remember what they learn.

    Parameters
    ----------
    backend : Backend
        The store that files go to, or one of whose targets.
    arrivals : Arrivals
        Where they arrive.
    rejected : Target
        Where what cannot be taken is kept, with the reason beside it.
    rules : ArrivalRules
        What becomes of files.
    """

    backend: Backend
    arrivals: Arrivals
    rejected: Target
    rules: ArrivalRules
    _editors: dict[tuple[str, str], RuleEditor] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def editor(self, rule: ArrivalRule) -> RuleEditor | None:
        """Return what changes files under a rule; None where it stores them as they are."""
        if rule.modification is None:
            return None
        encoding = default_encoding(self.backend)
        key = rule.prefix, encoding
        if key not in self._editors:
            self._editors[key] = RuleEditor(self.backend, rule, rule.modification, encoding)
        return self._editors[key]
