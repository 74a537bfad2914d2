"""A hub with sign-in on both databases, as the tests of sign-in have it."""

from tests.auth.conftest import hub, open_hub, realm

__all__ = ["hub", "open_hub", "realm"]
