"""What to change: requests and confidentiality profiles, compiled into edit plans."""
