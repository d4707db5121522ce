"""Requests to modify and to anonymize, read and checked (spec 2.4, 3)."""
