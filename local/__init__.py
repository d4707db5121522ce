"""The embedded mode: an HTTP front that calls the Lambda handlers, on files and SQLite."""
