"""Tables by columns, in which values that many rows share are written once."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any


def known(thing: Any) -> dict[str, Any]:
    """Return the nonempty fields of a dataclass, with floats rounded to the digits that can matter."""
    values = ((field.name, getattr(thing, field.name)) for field in fields(thing))
    return {
        name: float(f"{value:.6g}") if isinstance(value, float) else value
        for name, value in values
        if value is not None and value != ""
    }


def columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a table by columns; rows may lack fields.

    Parameters
    ----------
    rows : sequence of mapping
        Their values are hashable, or mappings; dataclasses become tables, too. None counts as a missing value.

    Examples
    --------
    >>> columns([{"name": "relu"}, {"name": "relu", "pair": "n0"}, {"name": "relu"}])["fields"]
    {'name': {'values': ['relu'], 'at': [0, 0, 0]}, 'pair': {'values': ['n0'], 'at': [-1, 0, -1]}}
    """
    names = dict.fromkeys(name for row in rows for name in row)
    return {"count": len(rows), "fields": {name: column([row.get(name) for row in rows]) for name in names}}


def column(values: Sequence[Any]) -> dict[str, Any]:
    """Return the values of a column: all of them, or the distinct ones and the index for each row, -1 for none."""
    present = [value for value in values if value is not None]
    if present and isinstance(present[0], Mapping):
        numbers = iter(range(len(present)))
        return {"rows": columns(present), "at": [-1 if value is None else next(numbers) for value in values]}
    index = {value: number for number, value in enumerate(dict.fromkeys(present))}
    if present and is_dataclass(present[0]):
        return {"rows": columns([known(value) for value in index]), "at": [index.get(value, -1) for value in values]}
    if len(present) == len(values) <= 2 * len(index):
        return {"values": list(values)}
    return {"values": list(index), "at": [index.get(value, -1) for value in values]}
