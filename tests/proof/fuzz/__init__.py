"""The running service, asked for all that its description promises, and for much that it does not.

`make fuzz` runs both parts in full; `make test` a few hundred requests of each.
"""
