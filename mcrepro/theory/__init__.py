"""What the papers prove, as functions: bounds, identities, optimality conditions, counterexamples."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=[
        "conversion",
        "epsilon_mc",
        "factored_sensing",
        "factorization",
        "geometry",
        "identifiability",
        "interpolation",
        "landscape",
        "landscape_rank_r",
        "lifted_curvature",
        "linear_phase",
        "minors",
        "product_law",
        "rank_one_completion",
        "recovery",
        "recovery_conditions",
        "sampling",
        "second_moment",
        "selection",
        "sensitivity",
        "sign_patterns",
        "stationary",
    ],
)
