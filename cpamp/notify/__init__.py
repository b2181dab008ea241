"""Tells people what needs them: rules on what the daemon knows, and ways to reach them."""
