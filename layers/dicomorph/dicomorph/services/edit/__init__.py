"""Editing one instance for an answer."""
