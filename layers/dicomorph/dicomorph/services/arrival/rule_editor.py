"""Changing files as a rule says, one after the other, as if all of them were in one job."""

from __future__ import annotations

import hashlib
import logging
from contextlib import nullcontext

from dicomorph.deid.compilation import compile_plan
from dicomorph.deid.requests.modification import Modification
from dicomorph.dicom.engine.destinations import Everything, NewIdentifiers, renames
from dicomorph.dicom.engine.edit_plan import EditPlan
from dicomorph.dicom.engine.identity_mapper import IdentityMapper
from dicomorph.dicom.engine.rewriter import Rewriter
from dicomorph.dicom.stream.edit_script import EditedSource, EditScript
from dicomorph.dicom.stream.source import BufferSource, Source
from dicomorph.model.settings import ModifiedReferences
from dicomorph.services.arrival.pseudonyms import pseudonyms_of
from dicomorph.services.arrival.rules import ArrivalRule
from dicomorph.services.backend import Backend

_logger = logging.getLogger(__name__)

_IN_MEMORY = 8 << 20  # bytes of a product that is made at once; of others, ranges are, as they are written
_LONG = 1 << 20  # bytes; in a shorter file there cannot be so many elements that they take much memory
_NUMBER_BYTES = 16


class RuleEditor:
    """Changes files under one rule.

    Parameters
    ----------
    rule : ArrivalRule
        The rule.
    modification : Modification
        What it changes.
    encoding : str
        Orthanc's name of the encoding of files without SpecificCharacterSet.
    """

    def __init__(
        self, backend: Backend, rule: ArrivalRule, modification: Modification, encoding: str
    ) -> None:
        settings = backend.settings
        pseudonyms = pseudonyms_of(backend, rule)
        follows = (
            settings.modified_references is ModifiedReferences.FOLLOW and not modification.is_anonymization
        )
        plan = compile_plan(modification, name=pseudonyms.name, settings=settings, follows_references=follows)
        mapper = IdentityMapper(pseudonyms.key, one_namespace=plan.one_namespace)
        self._backend = backend
        self._prefix = rule.prefix
        self._key = pseudonyms.key
        self._rewriter = Rewriter(
            plan,
            mapper,
            default_encoding=encoding,
            destinations=_destinations(plan, mapper) if follows else None,
        )

    def product(self, source: Source) -> Source:
        """Return what a file becomes; it reads the file as long as it is used, and needs no closing.

        Raises
        ------
        DicomorphError
            If the file is not DICOM, broken, or cannot be changed in this way.
        """
        with self._backend.in_turn if source.size > _LONG else nullcontext():
            script = self._rewriter.rewrite(source)
        if script.flags:
            _logger.warning("A rule on arrival: one file is flagged (%s)", ", ".join(sorted(script.flags)))
        if script.size <= _IN_MEMORY:
            return BufferSource(script.join(source), source.scratch)
        return EditedSource(source, script)

    def number(self, source: Source) -> str:
        """Return what tells what this rule makes of a file from what becomes of any other, in hex.

        It is the same for the same bytes, whenever they come again and whatever the rule says by then.
        Whoever has a file cannot tell its number without the secret of the rule, nor the other way round.
        """
        digest = hashlib.blake2b(f"{self._prefix}\0".encode(), key=self._key, digest_size=_NUMBER_BYTES)
        for chunk in EditScript.of([(0, source.size)]).chunks(source):
            digest.update(chunk)
        return digest.hexdigest()


def _destinations(plan: EditPlan, mapper: IdentityMapper) -> NewIdentifiers | None:
    """Return where references lead: nobody knows what is still to come, so it is taken to come as well."""
    return NewIdentifiers(plan, lambda _: mapper, 0, Everything) if renames(plan) else None
