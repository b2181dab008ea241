"""The database: dictionaries, events and details, one writer and a pool of readers."""

from cpamp.store.store import Counts, Store
from cpamp.store.writing import Added

__all__ = ["Added", "Counts", "Store"]
