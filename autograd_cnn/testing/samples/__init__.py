"""Sample calls of every primitive in `autograd_cnn.ops`, family by family.

Importing this registers them for the laws. A new primitive needs one entry, in the file of its family: a few calls, and
the operands in which it is linear.
"""

from importlib import import_module
from pkgutil import iter_modules

FAMILIES = [family.name for family in iter_modules(__path__)]
for name in FAMILIES:
    import_module(f"{__name__}.{name}")
