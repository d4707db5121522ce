"""The care of a data folder beside serving it: is its index sound, and what if it is not."""
