"""Which instances an edition cannot make safe by its rules for attributes (PS3.15 E.1.1, E.3.1, E.3.2).

Their pixels show who the patient is, or may do so. Nobody looks at the pixels here: it follows from
what an instance says of itself.
"""

from __future__ import annotations

from dicomorph.deid.editions.iod_types import iod_types
from dicomorph.deid.pixel_risks import PixelRisks, pixel_risks
from dicomorph.dicom.engine.examination import (
    ANATOMIC_REGION_SEQUENCE,
    BODY_PART_EXAMINED,
    BURNED_IN_ANNOTATION,
    IMAGE_TYPE,
    MODALITY,
    PER_FRAME_FUNCTIONAL_GROUPS,
    PIXEL_DATA_PROVIDER_URL,
    PROTOCOL_NAME,
    RECOGNIZABLE_VISUAL_FEATURES,
    SERIES_DESCRIPTION,
    SHARED_FUNCTIONAL_GROUPS,
    SLICE_THICKNESS,
    SPACING_BETWEEN_SLICES,
    SPECIMEN_LABEL_IN_IMAGE,
    STUDY_DESCRIPTION,
    Examination,
)
from dicomorph.model.errors import RefusedError
from dicomorph.model.reasons import Reason

THINNEST_UNRECOGNIZABLE = 4.0
"""Millimetres. A face is recognized in what is rebuilt from thinner slices; routine slices have 5."""

_CODE_VALUE = 0x00080100
_FRAME_ANATOMY, _PIXEL_MEASURES = 0x00209071, 0x00289110
_DESCRIPTIONS = (STUDY_DESCRIPTION, SERIES_DESCRIPTION, PROTOCOL_NAME)
_FUNCTIONAL_GROUPS = (SHARED_FUNCTIONAL_GROUPS, PER_FRAME_FUNCTIONAL_GROUPS)
_SLIDE_MICROSCOPY = "SM"
_VOLUMES = frozenset(("CT", "MR", "PT"))
_YES = frozenset(("YES", "Y", "TRUE"))
_REMEMBERED = 100  # judgements; hostile files may say anything
_MOST_REMEMBERED = 256  # bytes of a value on which one depends
_SCREENS = ("SCREENSAVE", "SCREENSHOT", "SCREENCAPTURE")


class Judging:
    """Judges the files of a request; those of a series say the same, and are judged once.

    Parameters
    ----------
    refuses_burned_in : bool
        Whether what may have something burned in is refused, and not only flagged.
    """

    def __init__(self, *, refuses_burned_in: bool) -> None:
        self._refuses_burned_in = refuses_burned_in
        self._judged: dict[object, frozenset[str] | Reason] = {}

    def __call__(self, examination: Examination) -> frozenset[str]:
        """Return why an instance is flagged; errors as in `judge`."""
        key = examination.key(_MOST_REMEMBERED)
        found = self._judged.get(key)
        if found is None:
            found = self._judge(examination)
            if key is not None:
                if len(self._judged) >= _REMEMBERED:
                    self._judged.clear()
                self._judged[key] = found
        if isinstance(found, Reason):
            raise RefusedError(found)
        return found

    def _judge(self, examination: Examination) -> frozenset[str] | Reason:
        try:
            return judge(examination, refuses_burned_in=self._refuses_burned_in)
        except RefusedError as refusal:
            return refusal.reason


def judge(examination: Examination, *, refuses_burned_in: bool) -> frozenset[str]:
    """Return why an instance is flagged: values of `Reason`.

    Raises
    ------
    RefusedError
        If it is not handed out: it shows a label, its pixel data lie elsewhere, or see above.
    """
    risks = pixel_risks()
    refusal = _refusal(examination, risks)
    if refusal is not None:
        raise RefusedError(refusal)
    burned_in = _burned_in(examination, risks)
    if burned_in and refuses_burned_in and Reason.DECLARED_CLEAN not in burned_in:
        raise RefusedError(burned_in[0])
    flags = set(burned_in)
    if not iod_types().knows(examination.sop_class):
        flags.add(Reason.UNKNOWN_SOP_CLASS)
    if _may_show_a_face(examination, risks):
        flags.add(Reason.RECOGNIZABLE_FACE)
    return frozenset(flags)


def _refusal(examination: Examination, risks: PixelRisks) -> Reason | None:
    """Return why an instance is refused whatever is asked for, None if it is not."""
    if examination.transfer_syntax in risks.referencing_syntaxes:
        return Reason.PIXELS_ELSEWHERE
    if not examination.has_pixels and examination.values(PIXEL_DATA_PROVIDER_URL):
        return Reason.PIXELS_ELSEWHERE
    is_slide = examination.sop_class in risks.slides or _SLIDE_MICROSCOPY in examination.values(MODALITY)
    flavours = examination.values(IMAGE_TYPE)
    if is_slide and "LABEL" in flavours:
        return Reason.SLIDE_LABEL
    label = examination.values(SPECIMEN_LABEL_IN_IMAGE)
    if not _YES.isdisjoint(label):
        return Reason.SPECIMEN_LABEL
    if is_slide and "OVERVIEW" in flavours and set(label) != {"NO"}:
        return Reason.SLIDE_OVERVIEW
    return None


def _burned_in(examination: Examination, risks: PixelRisks) -> list[Reason]:
    """Return why something may be burned in; in its place, that the source says no."""
    said = set(examination.values(BURNED_IN_ANNOTATION))
    found = [Reason.BURNED_IN_ANNOTATION] if said & _YES else []
    kind = _kind(examination, risks)
    if kind is not None:
        found.append(kind)
    if any(_is_of_a_screen(value) for value in examination.values(IMAGE_TYPE)):
        found.append(Reason.SCREEN_SAVE)
    return [Reason.DECLARED_CLEAN] if found and said == {"NO"} else found


def _kind(examination: Examination, risks: PixelRisks) -> Reason | None:
    """Return what an image is a kind of that often has something burned in, None if of no such."""
    kind = risks.classes.get(examination.sop_class)
    if kind is None and not iod_types().knows(examination.sop_class):
        modalities = map(risks.modalities.get, examination.values(MODALITY))
        kind = next((found for found in modalities if found is not None), None)
    if kind is None and examination.transfer_syntax in risks.video_syntaxes:
        kind = Reason.VIDEO
    return kind


def _is_of_a_screen(image_type: str) -> bool:
    letters = "".join(filter(str.isalpha, image_type))
    return any(word in letters for word in _SCREENS)


def _may_show_a_face(examination: Examination, risks: PixelRisks) -> bool:
    """Tell whether an instance is a slice of a head from which a face can be rebuilt, as far as is known."""
    said = set(examination.values(RECOGNIZABLE_VISUAL_FEATURES))
    if said == {"NO"}:
        return False
    if said & _YES:
        return True
    sop_class = examination.sop_class
    is_volume = sop_class in risks.volumes
    if not is_volume and not iod_types().knows(sop_class):
        is_volume = not _VOLUMES.isdisjoint(examination.values(MODALITY))
    if not is_volume or not (sop_class in risks.heads or _is_head(examination, risks)):
        return False
    return _is_thin(examination)


def _is_thin(examination: Examination) -> bool:
    """Tell whether slices are thin, or nobody knows how thick they are."""
    places: list[tuple[int, ...]] = [(), *((groups, _PIXEL_MEASURES) for groups in _FUNCTIONAL_GROUPS)]
    found = [
        examination.number(*place, tag)
        for place in places
        for tag in (SLICE_THICKNESS, SPACING_BETWEEN_SLICES)
    ]
    known = [number for number in found if number]
    return not known or min(known) <= THINNEST_UNRECOGNIZABLE


def _is_head(examination: Examination, risks: PixelRisks) -> bool:
    """Tell whether a head is named; where no part of the body is, descriptions are read."""
    parts = examination.values(BODY_PART_EXAMINED)
    if any(_names_a_head(value, risks) for value in parts):
        return True
    places: list[tuple[int, ...]] = [(), *((groups, _FRAME_ANATOMY) for groups in _FUNCTIONAL_GROUPS)]
    codes = [
        code for place in places for code in examination.values(*place, ANATOMIC_REGION_SEQUENCE, _CODE_VALUE)
    ]
    if parts or codes:
        return not risks.head_codes.isdisjoint(codes)
    return any(_names_a_head(text, risks) for tag in _DESCRIPTIONS for text in examination.values(tag))


def _names_a_head(body_part: str, risks: PixelRisks) -> bool:
    """Tell whether a body part is, or has in it, a head: defined terms, and what people write instead."""
    words = "".join(letter if letter.isalpha() else " " for letter in body_part).split()
    return "".join(words) in risks.head_words or not risks.head_words.isdisjoint(words)
