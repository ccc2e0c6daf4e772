"""What the service answers, as values. Nothing here asks it anything."""
