"""Everything that talks to CPA: its management API over HTTP, and RESP on the same port."""
