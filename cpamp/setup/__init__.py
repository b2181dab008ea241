"""The connection to CPA and the collector's settings: what is saved, what holds, who may change it.

The rules of merging and masking are pure (`config`, `inspection`); `bootstrap` reads what the
database holds at the start; `service` checks changes against CPA, saves them and drives the
collector.
"""
