"""Measured figures beside their limits: `python -m bench`, or `make bench`.

One run measures the hub, what the same machine can do at best for the same work (the limit), and, with
`--peer URL`, any other FHIR server over the same data.
"""
