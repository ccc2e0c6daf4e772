"""The outside world behind the ports: DynamoDB, SQS, the clock, logs and metrics."""
