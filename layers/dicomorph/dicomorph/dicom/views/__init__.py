"""What is said of a file: its tags as JSON, its description, the data set that a path leads to."""
