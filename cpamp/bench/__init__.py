"""Figures by the real daemon: ``python -m cpamp.bench`` prints them as one table."""
