"""What stands in for API Gateway, Lambda, its event sources and EventBridge."""
