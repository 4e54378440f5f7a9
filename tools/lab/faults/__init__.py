"""The cases, grouped by what goes wrong. Importing a module registers its cases."""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
