"""Erasing what has lost its entry, as far as no job that lives has pinned it."""
