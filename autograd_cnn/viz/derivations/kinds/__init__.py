"""What can be played: one file for each family of calls, with their derivations as formulas in index notation."""

from importlib import import_module
from pkgutil import iter_modules

for _module in iter_modules(__path__, f"{__name__}."):
    import_module(_module.name)
