"""Every version of every resource, kept and found again."""
