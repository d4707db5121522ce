"""What the walkers remember about one scope while they rewrite files under one plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

from dicomorph.dicom.edit_plan import Scope
from dicomorph.dicom.elements import Encoding
from dicomorph.dicom.steps import Descent, Steps

if TYPE_CHECKING:
    from dicomorph.dicom.charsets import CharacterSet
    from dicomorph.dicom.rewriting import Rewriting

_LONGEST = 4096  # bytes of an element that is remembered
REMEMBERED = 20_000  # hostile files must not grow a table without bound

Editor: TypeAlias = Callable[[bytes], bytes]  # from a whole element to the one that takes its place


class Table:
    """One scope, under one character set and encoding.

    Parameters
    ----------
    rewriting : Rewriting
        What all tables of a rewrite share.
    scope : Scope
        The rules.
    decoding, encoding_text : CharacterSet
        Of the original, and of replacements (they differ where the request relabels).
    encoding : Encoding
        How the elements are written.
    """

    __slots__ = (
        "_editors",
        "below",
        "decoding",
        "edits",
        "encoding",
        "encoding_text",
        "nested",
        "replaced",
        "replaces",
        "rewriting",
        "scope",
        "sequences",
        "steps",
    )

    def __init__(
        self,
        rewriting: Rewriting,
        scope: Scope,
        decoding: CharacterSet,
        encoding_text: CharacterSet,
        encoding: Encoding,
    ) -> None:
        self.rewriting = rewriting
        self.scope = scope
        self.decoding = decoding
        self.encoding_text = encoding_text
        self.encoding = encoding
        self.nested = scope is not rewriting.plan.root
        self.replaces = bool(scope.replacements) and self.nested
        self.steps = Steps.of(scope, encoding, nested=self.nested)
        self.below = _BelowTables(self)
        # What became of short sequences: enhanced objects repeat them for each frame.
        self.sequences: dict[bytes, bytes | None] = {}
        self.edits: dict[bytes, bytes] = {}
        self.replaced: dict[int, bytes] = {}
        self._editors: dict[Any, Editor] = {}

    def under(self, raw_character_set: bytes) -> Table:
        """Return the table for the same scope under another character set."""
        return self.rewriting.relabelled(self, raw_character_set)

    def edit(self, whole: bytes, key: Any) -> bytes:
        """Return the element that takes the place of another, and remember it in `edits` unless it is long.

        Parameters
        ----------
        whole : bytes
            The element with its header.
        key : bytes or int
            The key of its step.
        """
        editor = self._editors.get(key)
        if editor is None:
            if len(self._editors) >= REMEMBERED:
                self._editors.clear()
            editor = self._editors[key] = self.rewriting.editor(self, *self.steps.tag_and_vr(key))
        if len(self.edits) >= REMEMBERED:
            self.edits.clear()
        found = editor(whole)
        if len(whole) <= _LONGEST:
            self.edits[whole] = found
        return found


class Below:
    """The tables for the items of a sequence."""

    __slots__ = ("_descent", "_table", "by_index", "first")

    def __init__(self, table: Table, descent: Descent) -> None:
        self._table = table
        self._descent = descent
        self.by_index = descent.by_index
        self.first = self._of(descent.scope)

    def at(self, index: int) -> Table | None:
        """Return the table for one item, None if nothing in it changes."""
        return self._of(self._table.scope.below(self._descent.tag, index))

    def written_in(self, encoding: Encoding) -> Below:
        """Return the tables for the same items in another encoding (`elements.encoding_inside`)."""
        if encoding == self._descent.encoding:
            return self
        return Below(self._table, self._descent._replace(encoding=encoding))

    def _of(self, scope: Scope | None) -> Table | None:
        if scope is None:
            return None
        return self._table.rewriting.nested(self._table, scope, self._descent.encoding)


class _BelowTables(dict[Any, Below]):
    """The tables below each sequence that was met, by the key of its step."""

    def __init__(self, table: Table) -> None:
        super().__init__()
        self._table = table

    def __missing__(self, key: Any) -> Below:
        if len(self) >= REMEMBERED:
            self.clear()
        below = self[key] = Below(self._table, self._table.steps.descents[key])
        return below
