"""How requests reach the service: where it is, who signs them, and one try over HTTP."""
