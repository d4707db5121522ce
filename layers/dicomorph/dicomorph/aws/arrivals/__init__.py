"""What arrives in the bucket, and the queue that tells of it."""
