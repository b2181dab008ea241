"""The sections of an answer: each needs some counters, and makes its rows of them."""
