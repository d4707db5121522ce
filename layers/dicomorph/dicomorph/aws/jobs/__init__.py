"""The records of jobs in DynamoDB, and Step Functions that run them."""
