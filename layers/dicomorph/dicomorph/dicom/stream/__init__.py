"""Files as streams of elements, and scripts of edits over them (PS3.5 7, PS3.10)."""
