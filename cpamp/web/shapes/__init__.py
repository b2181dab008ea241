"""The shapes of answers, as routes declare them: what `/openapi.json` tells of bodies.

The panel's types are made from them, and the tests hold answers against them: a member that is not
here, or lacks, is a failure. Times are in ms, rates 0 to 1, money in USD.
"""
