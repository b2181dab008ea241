"""The console script's commands, one module each.

Every module has a `COMMAND`: its name, its arguments, and the function that does the work. What
goes wrong is raised as a `Problem` and becomes one line on standard error.
"""
