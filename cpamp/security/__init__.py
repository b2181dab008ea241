"""Keys, secrets, the admin credential, file modes, and the one-daemon-per-database lock."""
