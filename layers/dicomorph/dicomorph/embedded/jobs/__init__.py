"""The records of jobs in SQLite, and worker processes that run them."""
