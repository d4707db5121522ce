"""Files that arrive in a folder of this machine."""
