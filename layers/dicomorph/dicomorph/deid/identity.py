"""The attributes that say whose data a file holds, and which file it is."""

from __future__ import annotations

from dicomorph.dicom.engine.edit_plan import Action, Rule
from dicomorph.dicom.engine.identity_mapper import Namespace
from dicomorph.dicom.standard.tags import (
    PATIENT_ID,
    SERIES_INSTANCE_UID,
    SOP_INSTANCE_UID,
    STUDY_INSTANCE_UID,
)

# New identifiers come from namespaces of their own: one UID in two roles gets two new ones (spec 3.7).
MAPPED = {
    PATIENT_ID: Rule(Action.MAP, Namespace.PATIENT),
    STUDY_INSTANCE_UID: Rule(Action.MAP, Namespace.STUDY),
    SERIES_INSTANCE_UID: Rule(Action.MAP, Namespace.SERIES),
    SOP_INSTANCE_UID: Rule(Action.MAP, Namespace.INSTANCE),
}
IDENTIFIERS = frozenset(MAPPED)
INSTANCE_UIDS = IDENTIFIERS - {PATIENT_ID}
