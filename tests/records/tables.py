"""Every row of the table."""

from records import (
    rows_anyvalue,
    rows_exceptions,
    rows_hostile,
    rows_levels,
    rows_names,
    rows_objects,
    rows_text,
    rows_trace,
    rows_values,
)
from records.documented import Environment
from records.row import Row

# What maps and arrays are in it depends on the data model, and on what the exporter is told of it.
NESTED: list[Row] = [*rows_values.ROWS, *rows_anyvalue.ROWS]
# What has names and texts in it only on the data model.
NAMED: list[Row] = [*rows_objects.ROWS, *rows_hostile.ROWS, *rows_text.ROWS, *rows_names.ROWS, *rows_trace.ROWS]
PLAIN: list[Row] = [*rows_levels.ROWS, *rows_exceptions.ROWS]
ROWS = NESTED + NAMED + PLAIN
# These take their time.
HUGE: list[Row] = [*rows_hostile.HUGE, *rows_exceptions.HUGE]

_ROWS = {
    "raw": ROWS + HUGE,
    "flattened": NESTED,
    "raw-told": NESTED,
    "flattened-told": NESTED + NAMED,
    "classic": ROWS,
}


def rows_for(environment: Environment) -> list[Row]:
    """The part of the table that can come out differently there."""
    return _ROWS[environment.name]
