"""The object store in a folder."""
