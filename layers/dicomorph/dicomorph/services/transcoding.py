"""Converting files into other transfer syntaxes: what requests ask for, and the one way to the codecs.

The codecs lie in a layer of their own, and take a while to load: nothing does before there is a file to
convert, and functions without that layer never do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from dicomorph.deid.requests.embedded_images import Image
from dicomorph.deid.requests.modification import Modification
from dicomorph.dicom.engine.identity_mapper import IdentityMapper, Namespace
from dicomorph.dicom.standard.tags import SOP_INSTANCE_UID
from dicomorph.dicom.standard.transfer_syntaxes import is_lossy_target, is_transfer_syntax
from dicomorph.dicom.stream.edit_script import EditScript
from dicomorph.dicom.stream.part10 import IMPLEMENTATION_VERSION_NAME
from dicomorph.dicom.stream.source import Source
from dicomorph.dicom.views.description import Description
from dicomorph.model.errors import (
    BadFileFormatError,
    BadRequestError,
    InternalError,
    ParameterOutOfRangeError,
    TranscodingError,
)
from dicomorph.model.json_fields import read_text
from dicomorph.model.metadata_names import TRANSFER_SYNTAX
from dicomorph.model.resources import Json, Level, ObjectRef
from dicomorph.model.settings import Settings

_WORST, _BEST = 1, 100
_MOST_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Transcoding:
    """What files are to be converted into.

    Parameters
    ----------
    transfer_syntax : str
        The UID of one of the standard's, whether it can be written or not.
    lossy_quality : int
        From 1 to 100; of no effect where the transfer syntax loses nothing.
    """

    transfer_syntax: str
    lossy_quality: int

    @property
    def is_lossy(self) -> bool:
        """Whether what comes of it is another image, with a SOPInstanceUID of its own."""
        return is_lossy_target(self.transfer_syntax)


@dataclass(frozen=True, slots=True)
class Conversion:
    """What becomes of a file that is to be stored.

    Parameters
    ----------
    script : EditScript, optional
        What makes the product of it; None leaves it as it is.
    untranscoded : str
        Why it is left though it should be converted, free of values.
    """

    script: EditScript | None = None
    untranscoded: str = ""


def requested_transcoding(
    body: Mapping[str, Json],
    settings: Settings,
    *,
    unknown: type[BadRequestError] = BadFileFormatError,
) -> Transcoding | None:
    """Read ``Transcode`` and ``LossyQuality`` of a request; None if it asks for no conversion.

    Parameters
    ----------
    unknown : type[BadRequestError]
        Raised for a UID that is none of a transfer syntax: of one instance and of a job, these are
        different errors in Orthanc (spec 2.4).

    Raises
    ------
    BadFileFormatError
        If a field has the wrong type.
    """
    quality = body.get("LossyQuality", settings.dicom_lossy_transcoding_quality)
    if not isinstance(quality, int) or isinstance(quality, bool):
        raise BadFileFormatError("'LossyQuality' must be a whole number")
    if "Transcode" not in body:
        return None
    transfer_syntax = read_text(body, "Transcode")
    if not is_transfer_syntax(transfer_syntax):
        raise unknown("'Transcode' must be the UID of a transfer syntax")
    return Transcoding(transfer_syntax, max(_WORST, min(quality, _BEST)))


def check_sop_instance_uid(transcoding: Transcoding, modification: Modification) -> None:
    """Refuse a conversion into another image under the SOPInstanceUID of the first: Orthanc does it (G34).

    Raises
    ------
    BadRequestError
        If it loses something, and SOPInstanceUID is kept, replaced or retained.
    """
    named = modification.kept_tags | modification.replaced_tags.keys() | modification.retained_uids
    if transcoding.is_lossy and SOP_INSTANCE_UID in named:
        raise BadRequestError(
            "A lossy 'Transcode' makes other images: SOPInstanceUID cannot be named in Keep or Replace, "
            "nor UIDs be retained"
        )


def transcoding_of_arguments(
    transfer_syntax: str | None, quality: str | None, settings: Settings
) -> Transcoding | None:
    """Do the same for the arguments ``transcode`` and ``lossy-quality``; errors as for one instance."""
    body: dict[str, Json] = {}
    if transfer_syntax is not None:
        body["Transcode"] = transfer_syntax
    if quality is not None:
        digits = quality.removeprefix("-")
        if not (digits.isascii() and digits.isdecimal() and len(digits) <= _MOST_DIGITS):
            raise BadFileFormatError("The argument lossy-quality must be a whole number")
        body["LossyQuality"] = int(quality)
    return requested_transcoding(body, settings, unknown=ParameterOutOfRangeError)


def ingest_transcoding(settings: Settings) -> Transcoding | None:
    """Return what is to become of whatever is stored (setting ``IngestTranscoding``); None if nothing."""
    if not settings.ingest_transcoding:
        return None
    return Transcoding(settings.ingest_transcoding, settings.dicom_lossy_transcoding_quality)


def transcoded(source: Source, transcoding: Transcoding, *, sop_instance_uid: str) -> EditScript:
    """Return what makes a file of another transfer syntax; a copy, if it has this one already.

    Parameters
    ----------
    sop_instance_uid : str
        What the result of a lossy conversion gets; one that loses nothing keeps its own.

    Raises
    ------
    TranscodingError
        If this file cannot be converted; why, in words without values.
    InternalError
        If this deployment has no codecs.
    """
    try:
        from dicomorph.transcoding.transcode import Target, transcode

        target = Target(transcoding.transfer_syntax, transcoding.lossy_quality)
        return transcode(source, target, sop_instance_uid=sop_instance_uid)
    except ModuleNotFoundError as error:
        raise InternalError("The codecs that transcode are not installed here") from error


def decode_image(content: bytes, mime_type: str) -> Image:
    """Return an image that a request embeds, as `embedded_images.ImageDecoder` wants it.

    Raises
    ------
    BadFileFormatError, TranscodingError
        If it is no such image, or of a kind that pixel data are not made of.
    InternalError
        If this deployment has no codecs.
    """
    try:
        from dicomorph.transcoding import embedded_image
    except ModuleNotFoundError as error:
        raise InternalError("The codecs that decode images are not installed here") from error
    return embedded_image.decode_image(content, mime_type)


def convert(source: Source, description: Description, transcoding: Transcoding | None) -> Conversion:
    """Convert a file that is to be stored, as far as that is possible; its SOPInstanceUID stays.

    Parameters
    ----------
    description : Description
        Of the file: it can be read, so what is raised here is about its conversion alone.
    """
    held = description.facts[Level.INSTANCE].metadata.get(TRANSFER_SYNTAX)
    if transcoding is None or held == transcoding.transfer_syntax:
        return Conversion()
    uid = description.identifiers.sop_instance_uid
    try:
        return Conversion(transcoded(source, transcoding, sop_instance_uid=uid))
    except (BadFileFormatError, TranscodingError) as error:
        return Conversion(untranscoded=error.details)


def uid_of_download(ref: ObjectRef, transcoding: Transcoding) -> str:
    """Return the SOPInstanceUID of a lossy copy of a stored file, which is the same for each request.

    So a client that asks for one range after the other gets parts of one file. Whatever shapes the
    copy is in it: another upload, quality or version of this software makes another instance.
    """
    parts = (
        ref.key,
        ref.version,
        transcoding.transfer_syntax,
        str(transcoding.lossy_quality),
        IMPLEMENTATION_VERSION_NAME,
    )
    key = hashlib.sha256("\0".join(parts).encode()).digest()
    return IdentityMapper(key).uid(Namespace.INSTANCE, ref.key)
