"""The deployment on AWS: S3, DynamoDB and Step Functions behind the ports."""
