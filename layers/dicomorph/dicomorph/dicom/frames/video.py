"""Whether video carries what was written beside the pictures: user data and SEI messages.

MPEG-2 (ITU-T H.262 6.2.2.2.2), H.264 (7.3.2.3) and H.265 (7.3.2.4). Nothing leaves video: what is
found is reported. Transport streams and MP4 files are not taken apart, and reported as well.
"""

from __future__ import annotations

import re

from dicomorph.dicom.frames.codestreams import Codestream
from dicomorph.dicom.standard.transfer_syntaxes import BRANCH

_MPEG2 = tuple(BRANCH + branch for branch in ("4.100", "4.101"))
_H264 = tuple(BRANCH + branch for branch in ("4.102", "4.103", "4.104", "4.105", "4.106"))
_H265 = tuple(BRANCH + branch for branch in ("4.107", "4.108"))

_PIECE = 1 << 20  # bytes searched at a time
_OVERLAP = 3  # bytes of a start code that may begin in one piece and end in the next

_START_CODE = re.compile(rb"\0{2,6}\x01")
_PACK = b"\0\0\1\xba"  # of a program stream (ITU-T H.222.0)
_MPEG2_SEQUENCE = re.compile(rb"\0\0\x01\xb3")  # no unit of H.264 and H.265 begins so
_H265_PARAMETERS = re.compile(rb"\0\0\x01[\x40\x41]\x01")
_H264_PARAMETERS = re.compile(rb"\0\0\x01[\x27\x47\x67]")
_MPEG2_USER_DATA = re.compile(rb"\0\0\x01\xb2")
_H264_SEI = re.compile(rb"\0\0\x01[\x06\x26\x46\x66]")
_H265_SEI = re.compile(rb"\0\0\x01[\x4e-\x51]")


def is_video(transfer_syntax: str) -> bool:
    """Tell whether a transfer syntax is one of video (PS3.5 A.4.5 to A.4.9)."""
    return transfer_syntax.startswith(_MPEG2 + _H264 + _H265)


def begins_video(head: bytes) -> bool:
    """Tell whether a fragment begins as a stream of video, or a file of it, from its first eight bytes."""
    return _START_CODE.match(head) is not None or head[4:8] == b"ftyp"


def may_hold_user_data(frame: Codestream, transfer_syntax: str) -> bool:
    """Tell whether there are user data or SEI messages in video, or a container that may hold them."""
    head = frame.read(0, _PIECE)
    if _START_CODE.match(head) is None or head.startswith(_PACK):
        return True
    pattern = _user_data_of(head, transfer_syntax)
    pos = 0
    while piece := frame.read(pos, _PIECE + _OVERLAP):
        if pattern.search(piece):
            return True
        pos += _PIECE
    return False


def _user_data_of(head: bytes, transfer_syntax: str) -> re.Pattern[bytes]:
    """Return what user data begin with: as the stream says, not the syntax, where it does."""
    if _MPEG2_SEQUENCE.search(head):
        return _MPEG2_USER_DATA
    is_h265 = transfer_syntax.startswith(_H265) and not _H264_PARAMETERS.search(head)
    return _H265_SEI if is_h265 or _H265_PARAMETERS.search(head) else _H264_SEI
