"""Elements of a data set turned into JSON, in one pass over their bytes."""

from __future__ import annotations

import enum
from typing import NamedTuple

from dicomorph.dicom.standard.private_dictionary import PrivateDictionary
from dicomorph.dicom.standard.tags import PIXEL_DATA, format_tag
from dicomorph.dicom.stream.elements import (
    ITEM,
    ITEM_DELIMITATION,
    MAXIMUM_DEPTH,
    SEQUENCE_DELIMITATION,
    UNDEFINED_LENGTH,
    Encoding,
    IrregularError,
    TruncatedError,
    encoding_inside,
    holds_fragments,
    out_of_order,
    read_header,
    skip_fragments,
    too_deep,
)
from dicomorph.dicom.stream.part10 import DataSetBytes
from dicomorph.dicom.stream.source import Buffer
from dicomorph.dicom.stream.windows import Window
from dicomorph.dicom.text.charsets import CharacterSet
from dicomorph.dicom.values.readable_values import is_readable, readable
from dicomorph.dicom.views.damage import (
    DAMAGE,
    EndlessError,
    TooManyError,
    elements_up_to_damage,
    end_of_damaged,
)
from dicomorph.dicom.views.data_set_context import DataSetContext
from dicomorph.dicom.views.json_text import JsonText, Shown, ShownValue
from dicomorph.model.errors import BadFileFormatError

_LONGEST_SHOWN = 256  # bytes of UTF-8, as in Orthanc
_LONGEST_READ = 1 << 16  # no padding makes a longer value short enough
_IN_MEMORY = 5_000  # elements, and items, before any of them is written
_AT_ONCE = 1_000  # of one data set or sequence, that are written together
_MOST_ELEMENTS = 1_000_000  # with items; each takes hundreds of bytes of text, for eight in a hostile file


class TagsForm(enum.Enum):
    """How tags are shown: all about them, or values by number or by name."""

    FULL = "full"
    SHORT = "short"
    SIMPLIFY = "simplify"


class Header(NamedTuple):
    """An element by positions in a buffer, as `read_header` returns it."""

    tag: int
    vr: bytes
    value: int
    length: int


class TagsView:
    """Turns elements into JSON, in one pass over their bytes.

    Parameters
    ----------
    is_strict : bool
        Whether damaged sequences are refused, and not shown as null.
    is_ordered : bool
        Whether the data set was put in order before: what looks out of order then is damaged.
    text : JsonText, optional
        Takes what is more than memory should hold; without, all of it stays there.
    """

    def __init__(
        self,
        form: TagsForm,
        private: PrivateDictionary,
        ignore_length: frozenset[int],
        *,
        is_strict: bool = False,
        is_ordered: bool = False,
        text: JsonText | None = None,
    ) -> None:
        self._text = text
        # Tags that ascend do so as text.
        self._ascends = form is not TagsForm.SIMPLIFY and not is_ordered
        self._levels = 3 if form is TagsForm.FULL else 2  # of indentation, from a data set to an item of it
        self._is_strict = is_strict
        self._form = form
        self._private = private
        self._ignore_length = ignore_length
        self._is_ordered = is_ordered  # what looks out of order then are no items
        self._shown = 0

    def data_set(self, data: DataSetBytes, default_encoding: str, *, whole: bool) -> Shown:
        """Show the top level of a file, up to its pixel data or as a whole."""
        charset = CharacterSet.of(b"", default_encoding=default_encoding)
        context = DataSetContext(data.encoding, charset, default_encoding)
        window = Window(data.source)
        shown: Shown = {}
        for found in elements_up_to_damage(data, whole=whole, is_ordered=self._is_ordered):
            vr = self.vr(context, found.tag, found.vr)
            length = found.stop - found.value
            try:
                if found.tag == PIXEL_DATA or not self.reads(
                    found.tag, vr, length, undefined=found.undefined
                ):
                    self.unread(shown, context, found.tag, vr)
                    continue
                buffer, base = window.of(found.value, found.stop)
                header = Header(
                    found.tag, found.vr, found.value - base, UNDEFINED_LENGTH if found.undefined else length
                )
                self.element(shown, context, buffer, header, found.stop - base)
            except TooManyError:
                self.show(shown, context, found.tag, "Null", None)
                break
            except EndlessError:
                self.show(shown, context, found.tag, "Null", None)
            if len(shown) % _AT_ONCE == 0:
                self._relieve(shown, context)
        return shown

    def vr(self, context: DataSetContext, tag: int, written: bytes) -> str:
        """Return the VR of an element, which may be several where the dictionary leaves a choice."""
        return context.vr_of(tag, written, self._private)

    def reads(self, tag: int, vr: str, length: int, *, undefined: bool) -> bool:
        """Tell whether what is shown of an element depends on its value."""
        if undefined or vr == "SQ":
            return True
        return is_readable(vr) and (length <= _LONGEST_READ or tag in self._ignore_length)

    def unread(self, into: Shown, context: DataSetContext, tag: int, vr: str) -> None:
        """Show an element whose value was not read."""
        self._show(into, context, tag, "TooLong" if is_readable(vr) and tag != PIXEL_DATA else "Null", None)

    def element(self, into: Shown, context: DataSetContext, buffer: Buffer, header: Header, end: int) -> int:
        """Show an element, and return the position behind it."""
        tag, written, value, length = header
        vr = self.vr(context, tag, written)
        undefined = length == UNDEFINED_LENGTH
        fragments = undefined and holds_fragments(tag, written, context.encoding)
        stop = end if undefined else value + length
        if stop > end:
            raise TruncatedError(f"{format_tag(tag)} is longer than what contains it")
        if not fragments and (vr == "SQ" or undefined):
            return self._sequence(into, context, buffer, header, stop)
        if fragments:
            stop = skip_fragments(buffer, value, end, context.encoding.order)
        if tag == PIXEL_DATA or not self.reads(tag, vr, stop - value, undefined=False):
            self.unread(into, context, tag, vr)
            return stop
        raw = buffer[value:stop]
        context.read(tag, raw)
        order = "<" if written == b"UN" else context.encoding.order  # PS3.5 section 6.2.2
        text = readable(raw, vr, order, context.charset)
        if text is None:
            self._show(into, context, tag, "Null", None)
        elif len(text.encode("utf-8")) > _LONGEST_SHOWN and tag not in self._ignore_length:
            self._show(into, context, tag, "TooLong", None)
        else:
            self._show(into, context, tag, "String", text)
        return stop

    def _sequence(
        self, into: Shown, context: DataSetContext, buffer: Buffer, header: Header, end: int
    ) -> int:
        tag, written, value, length = header
        undefined = length == UNDEFINED_LENGTH
        items: ShownValue = None
        try:
            if context.depth >= MAXIMUM_DEPTH:
                raise too_deep()
            encoding = encoding_inside(written, context.encoding, buffer, value, end)
            items, stop = self._items(buffer, value, end, context, encoding, undefined=undefined)
        except TooManyError:
            raise
        except DAMAGE as error:
            if isinstance(error, IrregularError) and not self._is_ordered:
                raise
            is_unknown = written == b"UN" and not undefined  # bytes that only their tag calls a sequence
            if self._is_strict and not is_unknown:
                raise
            stop = end_of_damaged(buffer, (written, value, length), end, context.encoding, error)
        self._show(into, context, tag, "Null" if items is None else "Sequence", items)
        return stop

    def _items(
        self,
        buffer: Buffer,
        pos: int,
        end: int,
        context: DataSetContext,
        encoding: Encoding,
        *,
        undefined: bool,
    ) -> tuple[list[ShownValue], int]:
        """Return the items of a sequence and the position behind it."""
        items: list[ShownValue] = []
        written = self._shown
        while pos < end:
            tag, _, value, length = read_header(buffer, pos, end, encoding)
            if tag == SEQUENCE_DELIMITATION and (undefined or (value == end and not length)):
                return items, value
            if tag != ITEM:
                raise BadFileFormatError("A sequence holds something else than items")
            stop = end if length == UNDEFINED_LENGTH else value + length
            if stop > end:
                raise TruncatedError("An item is longer than its sequence")
            inner = context.item(encoding)
            self._count()
            try:
                item, pos = self._item(buffer, value, stop, inner, undefined=length == UNDEFINED_LENGTH)
            except EndlessError as error:
                if length == UNDEFINED_LENGTH:
                    raise
                raise BadFileFormatError("The elements of an item do not add up") from error
            items.append(item)
            if self._text is not None and self._shown - written > _AT_ONCE and self._shown > _IN_MEMORY:
                self._text.write_items(items, self._levels * inner.depth)
                written = self._shown
        if undefined:
            raise TruncatedError("A sequence has no end")
        return items, pos

    def _item(
        self, buffer: Buffer, pos: int, end: int, context: DataSetContext, *, undefined: bool
    ) -> tuple[Shown, int]:
        """Return the elements of an item and the position behind it."""
        item: Shown = {}
        last = -1
        while pos < end:
            header = Header(*read_header(buffer, pos, end, context.encoding))
            is_last = header.value == end and not header.length
            if header.tag == ITEM_DELIMITATION and (undefined or is_last):
                return item, header.value
            if header.tag >> 16 == ITEM >> 16:
                raise BadFileFormatError("A delimiter or item stands where none can be")
            if header.tag <= last and not self._is_ordered:
                raise out_of_order(header.tag)
            last = header.tag
            pos = self.element(item, context, buffer, header, end)
            if len(item) % _AT_ONCE == 0:
                self._relieve(item, context)
        if undefined:
            raise TruncatedError("An item has no end")
        return item, pos

    def _show(self, into: Shown, context: DataSetContext, tag: int, kind: str, value: ShownValue) -> None:
        self._count()
        self.show(into, context, tag, kind, value)

    def show(self, into: Shown, context: DataSetContext, tag: int, kind: str, value: ShownValue) -> None:
        """Show an element as something of a kind, without counting it."""
        if self._form is TagsForm.SHORT:
            into[format_tag(tag)] = value
            return
        creator = context.creator_of(tag)
        name = self._private.name_of(tag, creator)
        if self._form is TagsForm.SIMPLIFY:
            into[name] = value
            return
        into[format_tag(tag)] = {
            "Name": name,
            **({"PrivateCreator": creator} if creator else {}),
            "Type": kind,
            "Value": value,
        }

    def _relieve(self, shown: Shown, context: DataSetContext) -> None:
        """Write what there is of a data set, if it is much."""
        if self._text is not None and shown and self._shown > _IN_MEMORY:
            level = 1 + self._levels * context.depth
            self._text.write_members(shown, level, ascending=self._ascends)

    def _count(self) -> None:
        self._shown += 1
        if self._shown > _MOST_ELEMENTS:
            raise TooManyError("There are too many elements to show")
