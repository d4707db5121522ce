"""Data sets in the encoding of another transfer syntax: VRs, byte orders, lengths (PS3.5 7 and A)."""
