"""The running hub judged from outside, by other people's software: `python -m conformance`, or `make conformance`."""
