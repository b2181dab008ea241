"""What ``cpamp doctor`` looks at: each look gives findings, and the findings make one page."""
