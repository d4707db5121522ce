"""What the UID of a transfer syntax looks like, and what is made of it."""

from __future__ import annotations

import pydicom
import pytest
from pydicom.uid import UID, AllTransferSyntaxes

from dicomorph.dicom.standard import transfer_syntaxes
from dicomorph.dicom.standard.transfer_syntaxes import (
    NATIVE_TRANSFER_SYNTAXES,
    is_lossy_target,
    is_transcodable,
    is_transfer_syntax,
)

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


LOSSLESS = {
    "IMPLICIT_VR_LITTLE_ENDIAN": "ImplicitVRLittleEndian",
    "EXPLICIT_VR_LITTLE_ENDIAN": "ExplicitVRLittleEndian",
    "DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN": "DeflatedExplicitVRLittleEndian",
    "EXPLICIT_VR_BIG_ENDIAN": "ExplicitVRBigEndian",
    "RLE_LOSSLESS": "RLELossless",
    "JPEG_LOSSLESS": "JPEGLossless",
    "JPEG_LOSSLESS_SV1": "JPEGLosslessSV1",
    "JPEG_LS_LOSSLESS": "JPEGLSLossless",
    "JPEG_2000_LOSSLESS": "JPEG2000Lossless",
    "HTJ2K_LOSSLESS": "HTJ2KLossless",
    "HTJ2K_LOSSLESS_RPCL": "HTJ2KLosslessRPCL",
}
LOSSY = {
    "JPEG_BASELINE": "JPEGBaseline8Bit",
    "JPEG_EXTENDED": "JPEGExtended12Bit",
    "JPEG_LS_NEAR_LOSSLESS": "JPEGLSNearLossless",
    "JPEG_2000": "JPEG2000",
    "HTJ2K": "HTJ2K",
}


def test_the_transfer_syntaxes_that_are_transcoded_have_the_uids_that_pydicom_has_for_them() -> None:
    named = {**LOSSLESS, **LOSSY}
    found = {getattr(transfer_syntaxes, name): getattr(pydicom.uid, other) for name, other in named.items()}
    assert all(uid == other for uid, other in found.items())
    assert {uid for uid in AllTransferSyntaxes if is_transcodable(uid)} == set(found)
    assert {uid for uid in found if is_lossy_target(uid)} == {
        getattr(transfer_syntaxes, name) for name in LOSSY
    }
