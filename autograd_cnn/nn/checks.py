"""The checks that layers share."""

from autograd_cnn.errors import ArgumentError, sentence


def positive(where: str, **sizes: int) -> None:
    """Raise `ArgumentError` unless every size is an int of at least 1."""
    for name, size in sizes.items():
        if not hasattr(size, "__index__") or isinstance(size, bool) or size < 1:
            raise ArgumentError(
                sentence(where, f"{name} is out of range", expected="an int of at least 1", got=repr(size))
            )
