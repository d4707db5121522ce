"""Tags, VRs and dictionaries, public and private, and how requests name tags (PS3.5 6.2, 7.8, PS3.6)."""
