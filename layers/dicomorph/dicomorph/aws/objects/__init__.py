"""The object store in S3."""
