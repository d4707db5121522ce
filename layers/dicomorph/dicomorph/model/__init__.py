"""The vocabulary: levels, identifiers, resources, settings, errors and their telling. Standard library only."""
