"""Deleting what nothing refers to any more."""
