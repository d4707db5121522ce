"""Binary values in JSON: ``data:<MIME type>;base64,<data>`` (spec 3.4)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Final, Self

OCTETS: Final = "application/octet-stream"

_DATA_URI = re.compile("data:([^;,]+);base64,(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class DataUri:
    """A data URI whose content is not decoded yet."""

    mime_type: str
    base64: str

    @classmethod
    def parse(cls, text: str) -> DataUri | None:
        """Return the data URI that a text is, None if it is something else.

        A URI without a MIME type counts as text, as in Orthanc.
        """
        match = _DATA_URI.fullmatch(text)
        return cls(match[1].lower(), match[2]) if match else None

    def decode(self) -> bytes:
        """Return the content; raise `ValueError` if it is malformed."""
        try:
            return base64.b64decode(self.base64, validate=True)
        except binascii.Error as error:
            raise ValueError("malformed base64") from error


class DecodedUri(str):
    """A data URI of octets that are at hand: the text lacks them, which would take more than twice as much.

    Parameters
    ----------
    content : bytes
        The octets.
    """

    __slots__ = ("content",)

    content: bytes

    def __new__(cls, content: bytes) -> Self:
        """Make the text of one without content."""
        made = super().__new__(cls, f"data:{OCTETS};base64,")
        made.content = content
        return made
