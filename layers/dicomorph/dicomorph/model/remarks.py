"""What is to be said of a product though nothing is wrong with it."""

from __future__ import annotations

import enum


class Remark(enum.Enum):
    """Something that whoever hands a product out should know; the value is how a job's content counts it."""

    VIDEO_USER_DATA = "VideosWithUserDataCount"
    """Its video carries user data or SEI messages, or is in a container that may hold them."""

    UNREADABLE_SEQUENCES = "UnreadableSequencesCount"
    """Values went that begin like sequences and are none, for a reader may open them."""

    UNFIT_VALUES = "UnfitValuesCount"
    """Values went that their VR cannot hold, such as text in the place of a number."""
