"""Looking at resources and reading what they hold."""
