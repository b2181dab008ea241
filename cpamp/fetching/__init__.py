"""Documents from the internet: fetched within limits, and through a proxy where there is one."""
