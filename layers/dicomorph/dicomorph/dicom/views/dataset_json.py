"""A data set as JSON: ``/tags``, ``/simplified-tags`` and ``?short`` (spec 2.7)."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext, suppress
from typing import cast

from dicomorph.dicom.standard.private_dictionary import PrivateDictionary
from dicomorph.dicom.standard.tags import format_tag
from dicomorph.dicom.stream.elements import UNDEFINED_LENGTH, Element, IrregularError
from dicomorph.dicom.stream.part10 import DataSetBytes, open_dataset
from dicomorph.dicom.stream.source import Source
from dicomorph.dicom.stream.windows import Window
from dicomorph.dicom.text.charsets import CharacterSet
from dicomorph.dicom.views.damage import in_order_if_sound
from dicomorph.dicom.views.data_set_context import DataSetContext
from dicomorph.dicom.views.json_text import JsonText, Shown
from dicomorph.dicom.views.tags_view import Header, TagsForm, TagsView
from dicomorph.model.resources import Json
from dicomorph.model.settings import PrivateTag


def dataset_json(  # noqa: PLR0913 - by their names
    source: Source,
    *,
    form: TagsForm,
    default_encoding: str,
    private: tuple[PrivateTag, ...] = (),
    ignore_length: frozenset[int] = frozenset(),
    whole: bool = False,
    text: JsonText | None = None,
    in_turn: AbstractContextManager[object] | None = None,
) -> dict[str, Json]:
    """Return the data set of a file as JSON; there is an answer for every file that can be stored.

    What cannot be shown is null: a sequence whose items do not add up or are nested deeper than 64
    levels, and the one in which the millionth element or item stands. What comes behind that one is
    left out, and so is what follows the pixel data and is no element.

    Parameters
    ----------
    source : Source
        A DICOM file.
    form : TagsForm
        How tags are shown.
    default_encoding : str
        Orthanc's name of the encoding that text has where no character set is declared.
    private : tuple[PrivateTag, ...]
        The entries of the setting ``Dictionary``.
    ignore_length : frozenset[int]
        Tags whose values are shown however long they are; others end at 256 bytes.
    whole : bool
        Whether to show what stands behind the pixel data too.
    text : JsonText, optional
        Takes what is more than memory should hold. If it is used, it can `finish` what is returned
        here, and nobody else can read it.
    in_turn : AbstractContextManager, optional
        Held while a file is shown that has to be put in order, which takes memory for each element.

    Raises
    ------
    BadFileFormatError
        If this is no DICOM file, or lengths do not add up before the pixel data.
    """
    data = open_dataset(source)
    known = PrivateDictionary(private)
    view = TagsView(form, known, ignore_length, text=text)
    with suppress(IrregularError):
        return cast("dict[str, Json]", view.data_set(data, default_encoding, whole=whole))
    with in_turn or nullcontext():
        data = in_order_if_sound(data)
        view = TagsView(form, known, ignore_length, is_ordered=True, text=text)
        return cast("dict[str, Json]", view.data_set(data, default_encoding, whole=whole))


def sequence_json(
    data: DataSetBytes,
    found: Element,
    charset: CharacterSet,
    *,
    default_encoding: str,
    is_ordered: bool = False,
) -> Json:
    """Return the items of one top-level sequence in the full form.

    Parameters
    ----------
    data : DataSetBytes
        The data set.
    found : Element
        A sequence in it.
    charset : CharacterSet
        Of the data set.
    is_ordered : bool
        Whether it was put in order before.

    Raises
    ------
    IrregularError
        If it was not, and elements in the sequence are out of order, or one has no valid VR.
    BadFileFormatError
        If its items do not add up, are nested deeper than 64 levels, or are more than a million with
        their elements.
    """
    shown: Shown = {}
    view = TagsView(TagsForm.FULL, PrivateDictionary(), frozenset(), is_strict=True, is_ordered=is_ordered)
    context = DataSetContext(data.encoding, charset, default_encoding)
    buffer, base = Window(data.source).of(found.value, found.stop)
    length = UNDEFINED_LENGTH if found.undefined else found.stop - found.value
    view.element(
        shown, context, buffer, Header(found.tag, found.vr, found.value - base, length), found.stop - base
    )
    element = shown[format_tag(found.tag)]
    return cast("Json", element["Value"]) if isinstance(element, dict) else None
