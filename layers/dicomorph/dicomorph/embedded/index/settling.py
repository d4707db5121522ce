"""What a deletion leaves above it: parents without children go, the others are told."""

from __future__ import annotations

import sqlite3

from dicomorph.model.resources import LEVELS, Level


def settle(connection: sqlite3.Connection, pk: int | None, now: str) -> tuple[Level, str] | None:
    """Delete a resource and its ancestors as far as they have no child left.

    Parameters
    ----------
    pk : int | None
        The parent of what was deleted; None above a patient.
    now : str
        The LastUpdate of the ancestors that remain.

    Returns
    -------
    tuple[Level, str] | None
        The lowest one that remains.
    """
    while pk is not None:
        level, resource_id, above, has_child = connection.execute(
            "SELECT level, id, parent, EXISTS (SELECT 1 FROM resource WHERE parent = r.pk)"
            " FROM resource AS r WHERE pk = ?",
            (pk,),
        ).fetchone()
        if has_child:
            connection.execute(
                "WITH RECURSIVE above (pk) AS (VALUES (?) UNION ALL"
                " SELECT parent FROM resource JOIN above USING (pk) WHERE parent IS NOT NULL)"
                " UPDATE resource SET last_update = ? WHERE pk IN above",
                (pk, now),
            )
            return LEVELS[level], resource_id
        connection.execute("DELETE FROM resource WHERE pk = ?", (pk,))
        pk = above
    return None
