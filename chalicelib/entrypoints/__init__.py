"""What Lambda calls. Each parses, calls one use case, and renders the answer."""
