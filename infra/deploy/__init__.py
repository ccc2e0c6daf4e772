"""Deploys the service to AWS: builds the package, makes the stacks, checks what is live.

`python -m infra.deploy package|deploy|doctor|destroy|smoke --stage dev`, or `make` with the same
words. What is to be done is worked out by pure code (`configuration`, `template`, `rules`) and
carried out by other modules.
"""
