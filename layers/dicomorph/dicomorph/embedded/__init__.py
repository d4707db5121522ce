"""The deployment on one machine: files, SQLite and worker processes behind the ports."""
