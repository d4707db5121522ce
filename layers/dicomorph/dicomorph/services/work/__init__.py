"""The tasks of a job's workflow: plan, edit batches, finalize."""
