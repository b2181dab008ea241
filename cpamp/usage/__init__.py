"""From a usage record to an event: pure functions, no I/O, no clock."""
