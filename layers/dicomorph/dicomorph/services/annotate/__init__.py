"""Labels and metadata of resources."""
