"""The index: which resources exist, their parents, main tags, metadata and labels."""
