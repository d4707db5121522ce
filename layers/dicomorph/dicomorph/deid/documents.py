"""Blank documents, which take the place of encapsulated ones (PS3.15 table E.1-1: EncapsulatedDocument, D).

A SOP class of encapsulated documents has documents of one MIME type (PS3.3 A.45, A.85, A.104, A.105),
so that the class alone says which blank is valid. All blanks are the same bytes wherever they are made.
"""

from __future__ import annotations

import base64
import functools
import struct
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

# Of the clinical document that says nothing; HL7InstanceIdentifier repeats it (PS3.3 C.24.2).
CLINICAL_DOCUMENT_ID: Final = "2.25.262677279612350846836550653774142136995"
OCTETS: Final = "application/octet-stream"

_ENCAPSULATED = "1.2.840.10008.5.1.4.1.1.104."
CLINICAL_DOCUMENT_CLASS: Final = _ENCAPSULATED + "2"
_MIME_TYPES: Mapping[str, str] = MappingProxyType(
    {
        _ENCAPSULATED + "1": "application/pdf",
        CLINICAL_DOCUMENT_CLASS: "text/XML",  # as PS3.3 A.45.2 writes it
        _ENCAPSULATED + "3": "model/stl",
        _ENCAPSULATED + "4": "model/obj",
        _ENCAPSULATED + "5": "model/mtl",
    }
)

# What documents consist of, as far as it says nothing but that (IANA).
KNOWN_MIME_TYPES: Final = (
    *(
        "application/dicom",
        "application/json",
        "application/pdf",
        "application/xml",
        "audio/mpeg",
        "audio/mp4",
    ),
    *("image/bmp", "image/gif", "image/jp2", "image/jpeg", "image/png", "image/svg+xml", "image/tiff"),
    *("model/mtl", "model/obj", "model/stl", "text/css", "text/html", "text/plain", "text/rtf", "text/xml"),
    *("video/mp4", "video/mpeg", OCTETS),
)

_NEUTRAL = bytes(2)  # of no format at all
_WAVEFRONT_OBJECT = b"# ANONYMIZED\nv 0 0 0\n"
_WAVEFRONT_MATERIAL = b"# ANONYMIZED\nnewmtl ANONYMIZED\nKd 1 1 1\n"
# HL7 CDA Release 2: what its schema requires of a header, with a body that is not XML and says nothing.
_CLINICAL_DOCUMENT = f"""\
<?xml version="1.0" encoding="UTF-8"?>
<ClinicalDocument xmlns="urn:hl7-org:v3">
<typeId root="2.16.840.1.113883.1.3" extension="POCD_HD000040"/>
<id root="{CLINICAL_DOCUMENT_ID}"/>
<code code="11488-4" codeSystem="2.16.840.1.113883.6.1" displayName="Consultation note"/>
<effectiveTime value="19000101"/>
<confidentialityCode code="N" codeSystem="2.16.840.1.113883.5.25"/>
<recordTarget><patientRole><id nullFlavor="MSK"/></patientRole></recordTarget>
<author><time nullFlavor="MSK"/><assignedAuthor><id nullFlavor="MSK"/></assignedAuthor></author>
<custodian><assignedCustodian><representedCustodianOrganization><id nullFlavor="MSK"/>\
</representedCustodianOrganization></assignedCustodian></custodian>
<component><nonXMLBody><text>ANONYMIZED</text></nonXMLBody></component>
</ClinicalDocument>
""".encode("ascii")


def mime_type_of(sop_class: str) -> str | None:
    """Return the MIME type of the documents of a SOP class, None if it is not known to have any."""
    return _MIME_TYPES.get(sop_class)


def blank_document(mime_type: str) -> bytes:
    """Return a document that is valid and says nothing; two zero bytes for an unknown MIME type.

    Parameters
    ----------
    mime_type : str
        Of the original, in any case.
    """
    match mime_type.lower():
        case "application/pdf":
            return _blank_pdf()
        case "text/xml":
            return _CLINICAL_DOCUMENT
        case "model/stl":
            return _blank_stl()
        case "model/obj":
            return _WAVEFRONT_OBJECT
        case "model/mtl":
            return _WAVEFRONT_MATERIAL
        case _:
            return _NEUTRAL


def as_data_uri(document: bytes) -> str:
    """Return a document as requests write it."""
    return f"data:{OCTETS};base64,{base64.b64encode(document).decode('ascii')}"


def _blank_stl() -> bytes:
    """Return a surface in binary STL: a header of 80 bytes that is not read, and one triangle of no area.

    A surface without triangles is refused by some readers.
    """
    triangle = struct.pack("<12fH", *(0.0, 0.0, 1.0), *(0.0,) * 9, 0)
    return b"ANONYMIZED".ljust(80, b"\0") + struct.pack("<I", 1) + triangle


@functools.cache
def _blank_pdf() -> bytes:
    """Return one empty page of A4 (PDF 1.4), with the positions that its cross references want."""
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << >> >>",
    )
    document = b"%PDF-1.4\n"
    positions = []
    for number, content in enumerate(objects, 1):
        positions.append(len(document))
        document += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    count = len(objects) + 1
    table = b"".join(_cross_references(positions))
    trailer = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, len(document))
    return document + b"xref\n0 %d\n%s%s" % (count, table, trailer)


def _cross_references(positions: list[int]) -> Iterator[bytes]:
    yield b"0000000000 65535 f \n"
    for position in positions:
        yield b"%010d 00000 n \n" % position
