"""Counters and texts of the server as a whole."""

from __future__ import annotations

from dicomorph.embedded.sqlite.database import Database


class SqliteServerProperties:
    """The port `ServerProperties` over a `Database`.

    Parameters
    ----------
    database : Database
        May be shared with other adapters.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def next_number(self, counter: str) -> int:
        """Increase a counter that survives everything and return it; the first is 1."""
        with self._database.write() as connection:
            ((number,),) = connection.execute(
                "INSERT INTO counter VALUES (?, 1)"
                " ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
                (counter,),
            ).fetchall()
        return int(number)

    def read_property(self, name: str) -> str | None:
        """Return a server-wide property, None if it was never written."""
        with self._database.read() as connection:
            row = connection.execute("SELECT value FROM property WHERE name = ?", (name,)).fetchone()
        return None if row is None else str(row[0])

    def write_property(self, name: str, value: str) -> None:
        """Set a server-wide property."""
        with self._database.write() as connection:
            connection.execute("REPLACE INTO property VALUES (?, ?)", (name, value))

    def read_secret(self, name: str) -> str | None:
        """Return a secret, None if there is none of this name: whoever reads the file reads them all."""
        return self.read_property(f"Secret#{name}")

    def establish_secret(self, name: str, value: str) -> str:
        """Keep a secret unless there is one of this name; return the one that counts."""
        name = f"Secret#{name}"
        with self._database.write() as connection:
            connection.execute("INSERT OR IGNORE INTO property VALUES (?, ?)", (name, value))
            ((found,),) = connection.execute("SELECT value FROM property WHERE name = ?", (name,)).fetchall()
        return str(found)
