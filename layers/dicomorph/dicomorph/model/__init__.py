"""The vocabulary: levels, identifiers, resources, settings and errors. Standard library only."""
