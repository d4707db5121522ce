"""Taking files in, and deleting them."""
