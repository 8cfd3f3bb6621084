"""Second-order points of small factored sensing problems, from many starts at once."""

import numpy as np

from mcrepro.theory import factored_sensing as sensing

_STEPS = 60


def second_order_points(A, b, rank: int, starts) -> list[np.ndarray]:
    """Second-order points of h(X), up to ``X -> X Q``.

    Newton's method with the absolute values of the curvatures, which descends along negative ones,
    and with shorter steps where h does not fall.

    Parameters
    ----------
    A, b
        As in `mcrepro.theory.factored_sensing`.
    rank : int
        r.
    starts : ndarray, shape (s, n, r)

    Returns
    -------
    list of ndarray, shape (n, r)
        Relative to ``||A* b||``, with a gradient of at most 1e-9 and no curvature below -1e-7. What
        has not come there is left out.
    """
    S = sensing.symmetrized(A)
    gram = np.einsum("kij,klm->ijlm", S, S)
    linear = np.tensordot(b, S, axes=1)
    size = max(np.linalg.norm(linear), 1e-12)

    def measure(X):
        XX = X @ X.swapaxes(1, 2)
        image = np.tensordot(XX, gram, axes=2)
        value = 0.5 * np.vecdot(XX, image).sum(-1) - np.vecdot(
            XX, np.broadcast_to(linear, XX.shape)
        ).sum(-1)
        N = image - linear
        J = 4 * np.einsum("ijkl,sjc,sld->scidk", gram, X, X, optimize=True)
        H = J + 2 * np.einsum("cd,sik->scidk", np.eye(rank), N)
        dim = X.shape[1] * rank
        return value, 2 * (N @ X).swapaxes(1, 2).reshape(len(X), dim), H.reshape(len(X), dim, dim)

    X = np.array(starts, dtype=float)
    value, g, H = measure(X)
    for _ in range(_STEPS):
        going = np.linalg.norm(g, axis=1) > 1e-11 * size
        curvature, V = np.linalg.eigh(H)
        if not (going | (curvature[:, 0] < -1e-7 * size)).any():
            break
        damped = np.maximum(
            np.abs(curvature), 1e-10 * np.abs(curvature).max(1, keepdims=True) + 1e-300
        )
        # What lies exactly along a ridge has no slope there: a grain of noise lets it fall off.
        slope = np.einsum("sji,sj->si", V, g) + np.where(curvature < -1e-7 * size, 1e-9 * size, 0.0)
        step = -np.einsum("sij,sj->si", V, slope / damped)
        step = step.reshape(len(X), rank, -1).swapaxes(1, 2)
        t = np.ones(len(X))
        for _ in range(12):
            new = X + t[:, None, None] * step
            rises = measure(new)[0] > value + 1e-14 * np.abs(value)
            if not rises.any():
                break
            t[rises] /= 4
        X = np.where(rises[:, None, None], X, new)
        value, g, H = measure(X)
    good = (np.linalg.norm(g, axis=1) <= 1e-9 * size) & (
        np.linalg.eigvalsh(H)[:, 0] >= -1e-7 * size
    )
    found: list[np.ndarray] = []
    for candidate in X[good]:
        XX = candidate @ candidate.T
        if all(np.linalg.norm(XX - P @ P.T) > 1e-5 * (1 + np.linalg.norm(XX)) for P in found):
            found.append(candidate)
    return found
