"""What is said of a file: its tags as JSON, and the description that the index keeps (spec 1, 2.7)."""
