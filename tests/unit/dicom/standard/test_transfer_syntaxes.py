"""What the UID of a transfer syntax looks like."""

from __future__ import annotations

import pytest
from pydicom.uid import UID, AllTransferSyntaxes

from dicomorph.dicom.standard.transfer_syntaxes import NATIVE_TRANSFER_SYNTAXES, is_transfer_syntax

PAPYRUS = "1.2.840.10008.1.20"  # retired, and none of Orthanc's
STORAGE_COMMITMENT = "1.2.840.10008.1.20.1"
CT_IMAGE_STORAGE = "1.2.840.10008.5.1.4.1.1.2"


@pytest.mark.parametrize("uid", [uid for uid in AllTransferSyntaxes if uid != PAPYRUS])
def test_transfer_syntaxes_are_known_by_their_uid(uid: UID) -> None:
    assert is_transfer_syntax(uid)
    assert (uid in NATIVE_TRANSFER_SYNTAXES) is not uid.is_encapsulated


@pytest.mark.parametrize("uid", ["", "1.2.3", "nope", CT_IMAGE_STORAGE, STORAGE_COMMITMENT])
def test_other_uids_are_none(uid: str) -> None:
    assert not is_transfer_syntax(uid)
