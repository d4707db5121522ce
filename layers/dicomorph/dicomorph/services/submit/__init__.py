"""Accepting jobs."""
