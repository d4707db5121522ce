"""Trying a server that runs, in an account or on one machine, with synthetic data alone."""
