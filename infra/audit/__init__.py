"""Proves or refutes, from what a running backend holds, that nothing was lost or done twice."""
