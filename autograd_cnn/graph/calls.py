"""Calls of modules, each with a unique name."""

from collections import Counter
from collections.abc import Iterable, Iterator
from os.path import commonprefix

from autograd_cnn.engine.node import Node
from autograd_cnn.engine.recording import EVERYWHERE, Scope
from autograd_cnn.graph.nodes import Attribute, ModuleCall


class Calls:
    """The calls in whose scopes operations were recorded, named in order.

    A module that nothing holds is named after its class. If exactly one such call contains others, it is the graph
    itself: a model's call is not drawn as a box around everything.

    Parameters
    ----------
    scopes : iterable of Scope
        All scopes that will be looked up.

    Attributes
    ----------
    found : list of ModuleCall
    """

    def __init__(self, scopes: Iterable[Scope]) -> None:
        models = {outer for scope in set(scopes) if (outer := _model(scope)) not in (None, scope)}
        self.found: list[ModuleCall] = []
        self._names: dict[Scope | None, str] = dict.fromkeys(models, "") if len(models) == 1 else {}
        self._names[EVERYWHERE] = ""
        self._times: Counter[str] = Counter()

    def name(self, scope: Scope) -> str:
        """Return the dotted names of a call and its enclosing ones; see `ModuleCall`."""
        if scope not in self._names:
            around = "" if scope.outer is None else self.name(scope.outer)
            name = ".".join(filter(None, (around, scope.name or scope.kind)))
            if scope.kind:
                self._times[name] += 1
                number = self._times[name]
                name = f"{name}#{number}" if number > 1 else name
                attributes = tuple(Attribute(key, str(value), default=False) for key, value in scope.attributes.items())
                self.found.append(ModuleCall(name, scope.path, scope.kind, number, attributes))
            self._names[scope] = name
        return self._names[scope]


def _model(scope: Scope) -> Scope | None:
    """Return the outermost call of a module that nothing holds."""
    return next((each for each in reversed(list(_outwards(scope))) if not each.name), None)


def _outwards(scope: Scope | None) -> Iterator[Scope]:
    while scope is not None and scope is not EVERYWHERE:
        yield scope
        scope = scope.outer


def leaves(order: Iterable[Node], calls: Calls) -> dict[Node, tuple[str, str]]:
    """Return for each leaf the innermost call around all operations that use it, and the first one's path.

    Parameters
    ----------
    order : iterable of Node
        As the operations were recorded.
    calls : Calls
    """
    users: dict[Node, dict[str, str]] = {}
    for node in order:
        for parent in node.parents:
            if parent is not None and parent.primitive is None:
                users.setdefault(parent, {}).setdefault(calls.name(node.scope), node.scope.path)
    return {  # of lists, the longest common beginning
        leaf: (".".join(commonprefix([name.split(".") for name in names])), next(iter(names.values())))  # noqa: RUF071
        for leaf, names in users.items()
    }
