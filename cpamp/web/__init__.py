"""The HTTP surface: declared routes, run by Klein; nothing is public that is not declared so."""
