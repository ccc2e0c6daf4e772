"""Tasks in DynamoDB: items, and the conditional writes on them."""
