"""What concerns the server as a whole."""
