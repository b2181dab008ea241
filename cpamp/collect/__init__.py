"""Collection: transports, the choice among them, and the way of a record into the store."""
