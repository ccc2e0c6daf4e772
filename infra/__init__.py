"""What the service runs on: CloudFormation templates, and the local stage that uses the same."""
