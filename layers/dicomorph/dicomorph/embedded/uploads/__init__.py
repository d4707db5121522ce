"""Uploads past the API: the server itself takes them."""
