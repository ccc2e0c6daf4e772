"""The task service. Begin with `domain.lifecycle`, `use_cases.submit`, `use_cases.execute`."""
