"""Files that arrive by themselves, in a bucket or a watched folder: stored, or changed by a rule first."""
