"""Jobs: their record, how their work is cut into batches, and what runs them."""
