"""Peers: other hubs where plans live in which an organisation of this one takes part (docs/two-hubs.md)."""
