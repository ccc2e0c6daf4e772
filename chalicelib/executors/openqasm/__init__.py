"""What is read of a circuit's text: in the service by a scan, in a child with the grammar."""
