"""Bodies of requests as they are parsed, and the code of each refusal."""

from __future__ import annotations

from typing import Any

import pytest

from dicomorph.deid.requests.modification import Modification, parse_modification
from dicomorph.model.errors import DicomorphError
from dicomorph.model.resources import Level
from dicomorph.model.settings import PrivateTag, Settings

DICTIONARY = (PrivateTag(0x43211012, "LO", "RadioButton3", "RadioLogic"),)


def parsed(
    body: dict[str, Any],
    *,
    anonymize: bool = False,
    level: Level | None = None,
    settings: Settings | None = None,
) -> Modification:
    """Return what a body asks for, with the private tags of `DICTIONARY`."""
    return parse_modification(
        body, is_anonymization=anonymize, level=level, settings=settings or Settings(dictionary=DICTIONARY)
    )


def code_of(body: dict[str, Any], *, anonymize: bool = False) -> int:
    """Return the code that a body is refused with."""
    with pytest.raises(DicomorphError) as caught:
        parsed(body, anonymize=anonymize)
    return caught.value.code
