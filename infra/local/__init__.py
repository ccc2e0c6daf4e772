"""The local stage: everything that stands in for AWS on one machine, as separate processes.

Run it with ``python -m infra.local <command>`` from the repository's root. Two interpreters meet
here: all but ``emulator`` and ``snapshot`` run on the project's environment; those two run on the
emulator's, which has MiniStack and not the project's packages, so they import nothing but the
standard library and MiniStack.
"""
