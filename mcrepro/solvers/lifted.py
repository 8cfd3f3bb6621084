"""Lifted tensors: descend on the ε-MC objective with X replaced by a tensor, then read X off it.

Problem
    ``min h(w) = factor ||D^{⊗l} ∘ (W W^T) - B^{⊗l}||_F^2`` over tensors w with l modes of length
    n r, eq. (12) of the ε-MC paper; see ``mcrepro.lifting.objective`` for the notation, the factor
    and the structure. Order 1 is ε-MC itself, eq. (7). The answer is X with ``vec(X)^{⊗l}`` near w.
Optimality
    ``grad h = 0``. That says something about X only as far as w is near rank one, which
    "rank_one_residual" and "rank_ratio" in the certificate measure; where the data leave entries
    open, minimisers of h need not be. Unobserved entries are decided by a term of weight ε^2.
Deviations
    The paper runs gradient descent with a step that is too long for its own instance, its authors'
    earlier program runs Adam. The default is L-BFGS whose steps are no longer than half of ||w||:
    from a small start it grows along the same path as gradient descent, while an unbounded first
    step, or Adam's, leaves it at once.
References
    The ε-MC paper, Sections 3 and 5, Appendix C.
    Z. Ma, J. Lavaei, S. Sojoudi, "Algorithmic regularization in tensor optimization: towards a
    lifted approach in matrix sensing", NeurIPS 2023.
"""

import numpy as np

from mcrepro._checks import integer, one_of, real
from mcrepro.lifting.descent import make
from mcrepro.lifting.objective import LiftedObjective
from mcrepro.lifting.optimizers import OPTIMIZERS
from mcrepro.solvers._given import misfit
from mcrepro.solvers._loop import Iterate
from mcrepro.solvers._registry import method


@method(
    "lifted",
    setting="symmetric positive semidefinite (X X^T); small sizes: a tensor of (n r)^l entries",
    cost="O(l n^(l+1)) time and O(n^l) memory at rank 1, r^l (r^l + 1) / 2 times that in general",
    source="noise, eq. (12)",
    citation="Z. Ma, J. Lavaei and S. Sojoudi, Algorithmic regularization in tensor optimization: "
    "towards a lifted approach in matrix sensing, NeurIPS 2023",
    dense=True,
)
def lifted(
    problem,
    rank,
    rng,
    loop,
    *,
    order=3,
    epsilon=5e-5,
    factor=0.5,
    optimizer="lbfgs",
    step=None,
    init="random",
    init_scale=1e-4,
    extraction=None,
    patience=1000,
    max_iter=2000,
    rtol=1e-9,
    gtol=1e-6,
):
    """Complete by descent on a lifted tensor.

    Parameters
    ----------
    problem : Problem
        Symmetric, shape (n, n).
    rank : int
        Columns of X.
    order : int, default 3
        l, odd.
    epsilon : float, default 5e-5
        Weight of the unobserved entries, in [0, 1].
    factor : float, default 0.5
        In front of h; 1 is eq. (12) as printed. It matters to a fixed step only.
    optimizer : {"lbfgs", "gd", "adam"}
        Limited-memory BFGS with exact line search and bounded steps; plain gradient descent; Adam.
    step : "safe" or float, optional
        "gd": "safe", the default, or a number, used as it is at every step. The certificate then
        has "step_curvature", the step times the largest curvature of h at the returned tensor,
        which must stay below 2. The paper prints .02, for ``factor=1``, and exceeds that on its
        structured instance from n = 5 on: "diverged" from n = 7 on; for 5 and 6 it comes near a
        solution, leaves it again if gtol does not stop it there, and ends in a cycle of two. "adam": a number, by default .02. Refused by "lbfgs".
    init : {"random", "ones", "spectral"} or array_like, shape (n, rank)
        Direction x_0 of the start ``init_scale * x_0^{⊗l}``; it is brought to norm 1.
    init_scale : float, default 1e-4
        ξ, in the units of the data to the power l/2.
    extraction : {"tensor_pca", "partial_trace"}, optional
        How X is read off w; by default the first at rank 1 and the second, which does not depend
        on the gauge of W, above. See ``LiftedObjective.extract``.
    patience : int, default 1000
        "stalled" after this many steps without progress. From a very small start gradient
        descent grows for long before h shows it.
    max_iter : int, default 2000
    rtol : float, default 1e-9
        On ``||residual|| / ||data||`` of X X^T at the observed entries. Minimisers have one of the
        order of ε^2, so that this is mostly met with smaller ε.
    gtol : float, default 1e-6
        On ``||grad h|| / (2 factor sqrt(h / factor) ||w||)``, "gradient_norm" at the tensor;
        "factor_gradient_norm" in the certificate is the same measure of ε-MC, that is order 1, at X.

    Raises
    ------
    ValueError
        A problem that is not symmetric, an even order, a tensor of more than 2 GiB.
    """
    one_of("optimizer", optimizer, OPTIMIZERS)
    if step is not None and optimizer == "lbfgs":
        raise ValueError(f"step={step} has no meaning with optimizer='lbfgs'")
    if extraction is not None:
        one_of("extraction", extraction, ("tensor_pca", "partial_trace"))
    if isinstance(init, str):
        one_of("init", init, ("random", "ones", "spectral"))
    max_iter, patience = integer("max_iter", max_iter, 0), integer("patience", patience, 1)
    rtol, gtol = real("rtol", rtol, 0), real("gtol", gtol, 0)
    objective = LiftedObjective(problem, order, epsilon, rank, factor=factor)
    steps = make(optimizer, {} if step is None else {"step": step})
    W, _ = objective.columns(objective.initial(init_scale, rng, direction=init))

    path = _Path(objective, steps, W, extraction)
    outcome = loop(path.iterates(), max_iter=max_iter, rtol=rtol, gtol=gtol, patience=patience)
    outcome.certificate |= path.measures(outcome.iterate.left, rng)
    return outcome


class _Path:
    """The iterates of one start, and what is measured once, where they end."""

    def __init__(self, objective, optimizer, W, extraction):
        self.objective = objective
        self.optimizer = optimizer
        self.extraction = extraction
        self.state = optimizer.start(objective.algebra, W)

    def iterates(self):
        objective = self.objective
        while True:
            point = self.state.point
            w = objective.tensor(point.W)[0]
            size = np.linalg.norm(w) or 1.0
            # Gradients keep the symmetry of the start; near rank one, every start of the tensor PCA
            # ends at the same place.
            X = objective.extract(w, restarts=0, method=self.extraction, symmetric=True)
            yield Iterate(
                X,
                X,
                objective=point.value[0],
                residual=misfit(objective.problem, X, X),
                gradient_norm=objective.algebra.optimality(point)[0],
                rank_one_residual=float(np.linalg.norm(w - objective.lift(X)) / size),
            )
            if self.state.stuck[0]:
                return
            self.state = self.optimizer.advance(objective.algebra, self.state)

    def measures(self, X, rng):
        objective, point = self.objective, self.state.point
        w = objective.tensor(point.W)[0]
        flat = LiftedObjective(
            objective.problem, 1, objective.epsilon, objective.rank, factor=objective.factor
        )
        found = {
            "rank_one_ratio": objective.rank_one_ratio(w),
            "rank_ratio": objective.rank_ratio(w),
            "factor_gradient_norm": flat.gradient_norm(flat.lift(X)),
        }
        if "step" in self.state.memory:
            step = float(self.state.memory["step"][0])
            found["step_curvature"] = step * objective.curvature(w, rng)
        return found
