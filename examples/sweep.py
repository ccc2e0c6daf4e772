"""A parameter sweep: many circuits in one request, which may be repeated after a crash."""

from math import pi

from quantum_tasks import Client

CIRCUIT = (
    'OPENQASM 3.0; include "stdgates.inc"; qubit q; bit[1] c; ry({angle}) q; c[0] = measure q;'
)
ANGLES = [step * pi / 8 for step in range(9)]

with Client() as client:
    batch = client.submit_many(
        [{"circuit": CIRCUIT.format(angle=angle), "shots": 1000} for angle in ANGLES],
        key="sweep-of-nine-angles",  # started again, it finds the same tasks
    )
    for angle, result in zip(ANGLES, batch.results(), strict=True):
        print(f"{angle:.2f}", "#" * (40 * result.counts.get("1", 0) // result.shots))
