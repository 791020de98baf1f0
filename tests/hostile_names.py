"""Names that would like to be more than names."""

from autograd_cnn.graph import Edge, Graph, GraphNode, ModuleCall
from autograd_cnn.graph.nodes import Attribute

NAMES = [
    'say "hi"', "it's", "<b>bold</b>", "a\\nb", "line\nbreak", "\\", '"', "<", ">", "<x>", "&lt;", "&amp;", "{a|b}",
    "tab\t", "\x00null", "\x1b[31mred", "]; n0 -> n1 [", "<script>alert(1)</script>", "</script><script>hacked = 1//",
    "</style><style>*{display:none}", "<!--", "]]>", "<img src=x onerror=alert(1)>", "javascript:alert(1)", "\\N \\G \\E",
    "ü ∂ 漢", "\u202eback", "\u2066isolated", "אב 12", "\u2028line", "\ud800", "", " ", "<<i>x</i>>", "\\\"", "a:b",
    "/* no */", "// no", "# no", "${title}", "$policy", "{{constructor}}", "__proto__", "constructor", "x" * 10_000,
]  # fmt: skip


def graph_of(names):
    """Return a graph in which whatever can have a name has one of these."""
    nodes, calls = [], []
    for number, name in enumerate(names):
        scope = f"{number}{name.replace('.', '')}"
        calls.append(ModuleCall(scope, scope, name, 1))
        one = {"shape": (2,), "dtype": "float32", "scope": scope}
        nodes.append(GraphNode(f"n{2 * number}", "parameter", name, **one, problem=name))
        nodes.append(
            GraphNode(
                f"n{2 * number + 1}",
                "operation",
                name,
                **one,
                parameters=(Attribute(name, name, default=False),),
                origin=name,
            )
        )
    edges = [Edge(f"n{number}", f"n{number + 1}", name) for number, name in enumerate(names * 2) if number % 2 == 0]
    return Graph(tuple(nodes), tuple(edges), tuple(calls))
