"""What the papers prove, as functions: bounds, identities, optimality conditions, counterexamples."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__, submodules=["identifiability", "recovery", "second_moment"]
)
