"""The editions of the confidentiality profile (PS3.15 table E.1-1)."""
