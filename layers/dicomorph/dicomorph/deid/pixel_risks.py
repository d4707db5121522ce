"""What the standard's UIDs, terms and codes say of how risky pixels are (`tables/pixel_risks_2026d.json`)."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType

from dicomorph.model.reasons import Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelRisks:
    """SOP classes and transfer syntaxes by UID, body parts by words and codes.

    Parameters
    ----------
    classes : Mapping[str, Reason]
        SOP classes of images that often have something burned in, or show a patient from outside.
    modalities : Mapping[str, Reason]
        The same by Modality, for SOP classes that nobody knows.
    slides : frozenset[str]
        SOP classes of microscopy, where ImageType and SpecimenLabelInImage tell of labels.
    volumes, heads : frozenset[str]
        SOP classes from whose slices a surface can be rebuilt; those that show nothing but heads.
    video_syntaxes, referencing_syntaxes : frozenset[str]
        Transfer syntaxes of video, and of pixel data that lie elsewhere.
    head_words, head_codes : frozenset[str]
        Parts of bodies with a head, as words in upper case, and as codes (SCT, and SRT before).
    """

    classes: Mapping[str, Reason]
    modalities: Mapping[str, Reason]
    slides: frozenset[str]
    volumes: frozenset[str]
    heads: frozenset[str]
    video_syntaxes: frozenset[str]
    referencing_syntaxes: frozenset[str]
    head_words: frozenset[str]
    head_codes: frozenset[str]


@functools.cache
def pixel_risks() -> PixelRisks:
    """Return them; the file is read once."""
    file = resources.files("dicomorph.deid") / "tables" / "pixel_risks_2026d.json"
    table = json.loads(file.read_text(encoding="ascii"))
    return PixelRisks(
        classes=MappingProxyType({uid: Reason(row["reason"]) for uid, row in table["classes"].items()}),
        modalities=MappingProxyType({name: Reason(word) for name, word in table["modalities"].items()}),
        slides=frozenset(table["slides"]),
        volumes=frozenset(table["volumes"]),
        heads=frozenset(table["heads"]),
        video_syntaxes=frozenset(table["video_transfer_syntaxes"]),
        referencing_syntaxes=frozenset(table["referencing_transfer_syntaxes"]),
        head_words=frozenset(table["head_words"]),
        head_codes=frozenset(code for codes in table["head_codes"].values() for code in codes),
    )
