"""Taking over what the existing server has collected: its database, unchanged, into ours."""
