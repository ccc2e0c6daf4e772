"""The outside world behind the ports: DynamoDB, SQS, the executor, the clock, logs and metrics."""
