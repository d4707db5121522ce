"""Use cases of several routes, answered."""
