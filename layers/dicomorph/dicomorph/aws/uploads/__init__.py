"""Uploads past the API: S3 takes them at presigned addresses."""
