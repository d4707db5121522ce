"""One DynamoDB table: its calls, keys, expressions and errors."""
