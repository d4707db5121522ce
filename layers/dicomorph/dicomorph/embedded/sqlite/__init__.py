"""One SQLite database, and its schema."""
