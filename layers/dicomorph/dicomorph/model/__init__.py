"""The vocabulary: levels, identifiers, resources, settings, errors and failures. Standard library only."""
