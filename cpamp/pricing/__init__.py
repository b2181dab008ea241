"""Prices, and what an event costs by them. All prices are USD per 1,000,000 tokens."""
