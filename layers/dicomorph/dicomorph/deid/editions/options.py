"""The options of PS3.15 E.3, by their codes in CID 7050, and what a request chooses of a profile."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import Final

from dicomorph.deid.editions.allow_list import AllowList


class Option(enum.Enum):
    """An option that keeps more than the Basic Profile; the value is its code in PS3.16 CID 7050."""

    RETAIN_UIDS = "113110"
    RETAIN_DEVICE_IDENTITY = "113109"
    RETAIN_INSTITUTION_IDENTITY = "113112"
    RETAIN_PATIENT_CHARACTERISTICS = "113108"
    RETAIN_LONGITUDINAL_FULL_DATES = "113106"
    RETAIN_SAFE_PRIVATE = "113111"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a request chooses of a profile, behind the edition.

    Parameters
    ----------
    options : frozenset[Option]
        Those that are active.
    age_cap : bool
        Whether ages above 89 years are written as 90.
    allow_list : AllowList, optional
        What alone is kept.
    refuses_burned_in : bool
        Whether what may show a patient's identity in its pixels is refused.
    """

    options: frozenset[Option] = field(default_factory=frozenset)
    age_cap: bool = False
    allow_list: AllowList | None = None
    refuses_burned_in: bool = False


NO_CHOICE: Final = Choice()
"""The Basic Profile itself."""
