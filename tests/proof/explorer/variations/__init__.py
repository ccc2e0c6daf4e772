"""The service's parts, each without one of its guards. `mutants` says what each is to show.

A class here overrides as little as it can. Should the method that it overrides get another name,
nothing is overridden any more, the mutant survives, and the suite says so.
"""
