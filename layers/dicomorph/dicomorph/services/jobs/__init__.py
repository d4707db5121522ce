"""Looking at jobs, and what a client may do with them."""
