"""Memory-mapped columns derived from the database; they know nothing of what they mean."""
