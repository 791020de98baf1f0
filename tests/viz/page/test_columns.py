"""Tables by columns."""

from autograd_cnn.graph.nodes import Summary
from autograd_cnn.viz.page.columns import column, columns


def test_what_many_share_is_written_once_and_what_differs_as_it_is():
    assert column(["a", "b", "a", None]) == {"values": ["a", "b"], "at": [0, 1, 0, -1]}
    assert column([3, 1, 2]) == {"values": [3, 1, 2]}
    assert column([]) == {"values": []}


def test_records_are_tables_in_tables_and_equal_ones_one_row():
    summary = Summary(-1.0, 2.0, 0.1234567891, 1.0, None, 0, ())
    table = columns([{"value": summary}, {}, {"value": summary}])
    inner = table["fields"]["value"]
    assert inner["at"] == [0, -1, 0]
    assert inner["rows"]["count"] == 1
    assert inner["rows"]["fields"]["mean"] == {"values": [0.123457]}
    assert not {"norm", "picture"} & inner["rows"]["fields"].keys()
    lines = columns([{"lines": {"forward": ("a",)}}, {"lines": {"backward": ("b",)}}])["fields"]["lines"]
    assert lines["rows"]["fields"]["backward"] == {"values": [("b",)], "at": [-1, 0]}
