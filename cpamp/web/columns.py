"""The columns of the sections of figures as tables: what their shapes say of their rows."""

from __future__ import annotations

from functools import cache
from typing import Any, get_args, get_origin, get_type_hints, is_typeddict

from cpamp.analytics.tables import OPTION_COLUMNS, OPTIONS, PREVIEW
from cpamp.web.shapes.figures import Analytics, EventRow


@cache
def columns_of(section: str) -> tuple[str, ...]:
    """The members of a section's rows that are a cell each, texts first."""
    if section == OPTIONS:
        return OPTION_COLUMNS
    row = EventRow if section == PREVIEW else get_args(get_type_hints(Analytics)[section])[0]
    kinds = get_type_hints(row)
    names = [name for name, kind in kinds.items() if not _is_table(kind)]
    return tuple(sorted(names, key=lambda name: kinds[name] is not str))


def _is_table(kind: Any) -> bool:
    return get_origin(kind) is list and is_typeddict(get_args(kind)[0])
