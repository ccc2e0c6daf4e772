"""The HTTP entrypoint: requests in, answers and problem documents out."""
