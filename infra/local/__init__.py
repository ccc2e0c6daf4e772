"""The local stage: everything that stands in for AWS on one machine, as separate processes.

Run it with `python -m infra.local <command>` from the repository's root. Two interpreters meet
here: all but `emulator` run on the project's environment; that one runs on its own, which has
MiniStack and not the project's packages, so it imports nothing that is not there (a test holds it).
"""
