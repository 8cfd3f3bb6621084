"""Sweeps over the papers' experiments: run a protocol by name, get a tidy table.

>>> import mcrepro as mc
>>> table = mc.experiments.run("hajek-bias", profile="smoke")
>>> table.attrs["provenance"]["profile"]
'smoke'

`names` lists the protocols, `describe` shows the grids of one; `mcrepro.experiments.protocol` says
how to write one and `mcrepro.experiments.registry` where to put it.
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=["statistics"],
    submod_attrs={
        "engine": ["describe", "run"],
        "profiles": ["PROFILES"],
        "protocol": ["Protocol", "Sweep"],
        "registry": ["get", "module", "names"],
        "statistics": ["Estimate"],
        "store": ["cache_dir", "clear"],
        "trial": ["ExperimentError"],
    },
)
