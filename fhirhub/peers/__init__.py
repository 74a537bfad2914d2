"""Peers: other hubs where plans live in which an organisation of this one takes part (docs/two-hubs.md)."""

PATH = "/peers/"
"""Where peers notify: below the hub's root, or below the tenant's name there, with the peer's name behind it."""
