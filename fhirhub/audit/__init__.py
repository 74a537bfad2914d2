"""THE LOG: who did what to whose data, when, and why they could (NEN 7513, RULES R24, R25)."""
