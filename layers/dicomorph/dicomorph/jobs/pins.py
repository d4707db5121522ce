"""Pins and references of objects as they stand in documents."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from dicomorph.jobs.strict_json import count, only
from dicomorph.model.resources import Ancestry, ObjectRef, Pin


def encode_pins(pins: Iterable[Pin]) -> list[list[Any]]:
    """Return pins as they stand in any document."""
    return [encode_pin(pin) for pin in pins]


def decode_pins(values: Any) -> list[Pin]:
    """Return pins as a document holds them; what is none is refused as `strict_json.read` asks for."""
    return [decode_pin(pin) for pin in only(list, values)]


def encode_pin(pin: Pin) -> list[Any]:
    """Return a pin as it stands in any document."""
    ancestry = pin.ancestry
    return [
        ancestry.patient,
        ancestry.study,
        ancestry.series,
        ancestry.instance,
        *encode_ref(pin.object),
    ]


def decode_pin(values: Any) -> Pin:
    """Return a pin as a document holds it; what is none is refused as `strict_json.read` asks for."""
    patient, study, series, instance, *ref = only(list, values)
    ids = (only(str, one) for one in (patient, study, series, instance))
    return Pin(Ancestry(*ids), decode_ref(*ref))


def encode_ref(ref: ObjectRef) -> list[Any]:
    """Return the reference of an object as it stands in any document."""
    known = [] if ref.crc32 is None else [ref.crc32, *(ref.fragments or ())]
    return [ref.key, ref.version, ref.size, *known]


def decode_ref(key: Any, version: Any, *numbers: Any) -> ObjectRef:
    """Return the reference of an object; documents of earlier versions do not have all of it."""
    size, *known = map(count, numbers)
    ref = ObjectRef(only(str, key), only(str, version), size, known[0] if known else None)
    if len(known) <= 1:
        return ref
    begin, end = known[1:]
    return replace(ref, fragments=(begin, end))
