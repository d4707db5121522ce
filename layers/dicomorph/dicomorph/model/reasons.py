"""Why an instance is flagged or refused that could be rewritten: no rule for attributes makes it safe."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final


class Reason(enum.StrEnum):
    """A reason, by the word that the content of a job counts it under."""

    BURNED_IN_ANNOTATION = "BurnedInAnnotation"
    ULTRASOUND = "Ultrasound"
    SECONDARY_CAPTURE = "SecondaryCapture"
    VISIBLE_LIGHT = "VisibleLight"
    ENDOSCOPIC = "Endoscopic"
    PHOTOGRAPHIC = "Photographic"
    VIDEO = "Video"
    SCREEN_SAVE = "ScreenSave"
    DECLARED_CLEAN = "DeclaredCleanBySource"
    RECOGNIZABLE_FACE = "RecognizableFace"
    UNKNOWN_SOP_CLASS = "UnknownSOPClass"
    SLIDE_LABEL = "SlideLabel"
    SLIDE_OVERVIEW = "SlideOverview"
    SPECIMEN_LABEL = "SpecimenLabelInImage"
    PIXELS_ELSEWHERE = "PixelDataElsewhere"


WHY_REFUSED: Final[Mapping[Reason, str]] = {
    Reason.BURNED_IN_ANNOTATION: "BurnedInAnnotation says that there is text in the image",
    Reason.ULTRASOUND: "Ultrasound images may have a name burned in, and nothing says that this one has not",
    Reason.SECONDARY_CAPTURE: "Captured images may show anything, and nothing says that this one has no text",
    Reason.VISIBLE_LIGHT: "Visible light images may show a label, and nothing says that this one has no text",
    Reason.ENDOSCOPIC: "Endoscopic images may have a name burned in, and nothing says that this one has not",
    Reason.PHOTOGRAPHIC: "Photographs may show a name, and nothing says that this one has no text",
    Reason.VIDEO: "Videos may have a name burned in, and nothing says that this one has not",
    Reason.SCREEN_SAVE: "The image is a copy of a screen, and does not say that it has no text",
    Reason.SLIDE_LABEL: "The image is that of the label of a slide",
    Reason.SLIDE_OVERVIEW: "The overview of a slide shows its label, unless it says that it does not",
    Reason.SPECIMEN_LABEL: "SpecimenLabelInImage says that the image shows a label",
    Reason.PIXELS_ELSEWHERE: "The pixel data lie on another server, under the identifiers of the original",
}
"""What is told of an instance that is refused, for each reason to do so; free of values."""
