"""What the standard says in tables: tags, VRs, dictionaries (PS3.5, PS3.6)."""
