"""The attributes that say whose data a file holds, and which file it is."""

from __future__ import annotations

from dicomorph.dicom.edit_plan import Action, Rule
from dicomorph.dicom.uids import Namespace

PATIENT_NAME = 0x00100010
PATIENT_ID = 0x00100020
STUDY_INSTANCE_UID = 0x0020000D
SERIES_INSTANCE_UID = 0x0020000E
SOP_INSTANCE_UID = 0x00080018

# New identifiers come from namespaces of their own: one UID in two roles gets two new ones (spec 3.7).
MAPPED = {
    PATIENT_ID: Rule(Action.MAP, Namespace.PATIENT),
    STUDY_INSTANCE_UID: Rule(Action.MAP, Namespace.STUDY),
    SERIES_INSTANCE_UID: Rule(Action.MAP, Namespace.SERIES),
    SOP_INSTANCE_UID: Rule(Action.MAP, Namespace.INSTANCE),
}
IDENTIFIERS = frozenset(MAPPED)
INSTANCE_UIDS = IDENTIFIERS - {PATIENT_ID}
