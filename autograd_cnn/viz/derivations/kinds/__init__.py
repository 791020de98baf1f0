"""What can be played: a file for each family of calls, which tells by formulas in index notation how they come about."""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)
