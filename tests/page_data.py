"""What a page of a graph was made from, read out of it as its script does."""

import json
import re


def data_of(text):
    """Return the data of a page, with its tables as rows."""
    data = json.loads(re.search('<script type="application/json" id="graph">(.*?)</script>', text, re.DOTALL)[1])
    nodes = [{"id": f"n{i}"} | row for i, row in enumerate(rows_of(data["nodes"]))]
    return data | {"nodes": nodes} | {name: rows_of(data[name]) for name in ("edges", "frames", "slots", "wires")}


def rows_of(table):
    columns = {name: column_of(**column) for name, column in table["fields"].items()}
    return [
        {name: column[i] for name, column in columns.items() if column[i] is not None} for i in range(table["count"])
    ]


def column_of(values=None, rows=None, at=None):
    found = values if rows is None else rows_of(rows)
    return found if at is None else [None if i < 0 else found[i] for i in at]
