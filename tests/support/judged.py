"""What is said of images whose pixels may show who the patient is."""

from __future__ import annotations

from functools import cache
from typing import Any

from dicomorph.deid.compilation import compile_plan
from dicomorph.deid.requests.modification import parse_modification
from dicomorph.dicom.engine.identity_mapper import IdentityMapper
from dicomorph.dicom.engine.rewriter import Rewriter
from dicomorph.dicom.stream.source import BufferSource
from dicomorph.model.errors import RefusedError
from dicomorph.model.settings import Settings
from tests.dicom_factory import Element
from tests.support.risky_images import STORAGE, Image, groups

REMOVING: dict[str, Any] = {
    "Remove": ["BurnedInAnnotation", "ImageType", "BodyPartExamined", "SliceThickness", "Modality"]
}


@cache
def rewriter(*, edition: str = "2026d", refuses_burned_in: bool = False, removing: bool = False) -> Rewriter:
    """Return what anonymizes by an edition, perhaps removing what tells of risks."""
    settings = Settings(refuse_burned_in=refuses_burned_in)
    body: dict[str, Any] = {"DicomVersion": edition, **(REMOVING if removing else {})}
    request = parse_modification(body, is_anonymization=True, level=None, settings=settings)
    plan = compile_plan(request, name="A", settings=settings)
    return Rewriter(plan, IdentityMapper(bytes(32)), default_encoding="Latin1")


def said(image: Image, *, refuses_burned_in: bool = False, removing: bool = False) -> set[str] | str:
    """Return the flags of an image, or the reason for which it is refused."""
    found = rewriter(refuses_burned_in=refuses_burned_in, removing=removing)
    try:
        return set(found.rewrite(BufferSource(image.file())).flags)
    except RefusedError as error:
        return str(error.reason)


SHARED, PER_FRAME, MEASURES, ANATOMY = 0x52009229, 0x52009230, 0x00289110, 0x00209071
ENHANCED_CT, MR, PT = STORAGE + "2.1", STORAGE + "4", STORAGE + "128"


def measured(tag: int, *elements: Element, undefined: bool = False) -> Element:
    """Return functional groups with pixel measures."""
    return groups(tag, groups(MEASURES, *elements, undefined=undefined), undefined=undefined)
