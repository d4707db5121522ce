"""Private tags of a request: whose they are, and which of them it names in a data set (PS3.5 7.8.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dicomorph.deid.requests.nested_paths import Operation, PathEntry
from dicomorph.dicom.engine.private_blocks import PrivateClaims
from dicomorph.dicom.standard.dictionary import is_private_creator
from dicomorph.dicom.standard.private_blocks import block_of


@dataclass(frozen=True, slots=True)
class Creator:
    """Whose the private tags of a request are.

    Parameters
    ----------
    text : str
        The creator that it names, or that of the settings, without padding.
    of_block : Mapping[int, str]
        Creators that the request itself writes at the top level, by their blocks: they win.
    moves : bool
        Whether tags are sought in the block that the creator has; else they are meant by their numbers.
    """

    text: str
    of_block: Mapping[int, str]
    moves: bool

    def in_items(self, entries: Iterable[PathEntry]) -> Creator:
        """Return the same for a data set whose elements these paths end at, or go through."""
        written = {
            block: entry.value.strip(" \0")
            for entry in entries
            if _is_written(entry) and is_private_creator(entry.tag) and isinstance(entry.value, str)
            if (block := block_of(entry.tag)) is not None
        }
        return Creator(self.text, written, self.moves)

    def claims(
        self,
        entries: Iterable[PathEntry],
        *,
        kept: frozenset[int] = frozenset(),
        removed: frozenset[int] = frozenset(),
        replaced: frozenset[int] = frozenset(),
    ) -> PrivateClaims | None:
        """Return the private tags that are named in a data set, None if there are none to care for.

        Parameters
        ----------
        entries : Iterable[PathEntry]
            The paths that end in the data set, or lead through it.
        kept, removed, replaced : frozenset[int]
            What else the request names there.
        """
        written = {entry.tag for entry in entries if _is_written(entry)} | replaced
        keeps = {entry.tag for entry in entries if entry.operation is Operation.KEEP and not entry.parents}
        named = {entry.parents[0][0] if entry.parents else entry.tag for entry in entries}
        blocks = {tag: block for tag in named | kept | removed | written if (block := block_of(tag))}
        if not self.moves:
            blocks = {tag: block for tag, block in blocks.items() if tag in written}
        if not blocks:
            return None
        return PrivateClaims(
            creators={block: self.of_block.get(block) or self.text for block in blocks.values()},
            named=frozenset(blocks),
            written=frozenset(written & blocks.keys()),
            kept=frozenset((keeps | kept) & blocks.keys()),
            moves=self.moves,
        )


def _is_written(entry: PathEntry) -> bool:
    return entry.operation is Operation.REPLACE and not entry.parents
