"""The local stage: everything that stands in for AWS on one machine, as separate processes.

Run it with ``python -m infra.local <command>`` from the repository's root. Two interpreters meet
here: all but ``emulator`` run on the project's environment; that room runs on the emulator's, which
has MiniStack and not the project's packages, so it imports nothing but the standard library,
MiniStack and filelock.
"""
