"""Accounts behind CPA: looked at in turn, judged, and switched off or on where that is allowed."""
