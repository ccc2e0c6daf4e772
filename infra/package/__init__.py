"""Builds what Lambda is given: one zip and one template."""
