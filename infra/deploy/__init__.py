"""Deploys the service to AWS: builds the package, makes the stacks, checks what is live.

`python -m infra.deploy package|stacks|deploy|doctor|smoke|destroy --stage dev`, or `make` with the
same words. `infra.package` builds, `infra.doctor` judges; the modules here change the account.
"""
