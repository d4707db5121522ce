"""Uploads that go past the API: asked for, sent to an address of their own, and looked at."""
