"""The quota windows of accounts: what was observed of them, and what they are now."""
