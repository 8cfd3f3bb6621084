"""Nuclear-norm completion of small matrices, many at once."""

import numpy as np
import scipy.linalg


def interpolate(values, mask, *, step=1.0, max_iter=1500, tol=1e-6):
    """Minimize ‖X‖_* subject to X = values on the mask, by Douglas and Rachford's splitting.

    Parameters
    ----------
    values, mask : (b, n1, n2) arrays
        A batch of problems; entries outside the mask are not read.
    step : float, default 1.0
        Threshold of the singular values, in units of the norm of the seen entries over √min(n1, n2),
        the root mean square of the start's singular values.
    max_iter : int, default 1500
    tol : float, default 1e-6
        On the change of an iterate, relative to the norm of the seen entries.

    Returns
    -------
    X : (b, n1, n2) array
        Feasible to rounding.
    settled : (b,) bool array
        Which ones moved by less than `tol` at the end.
    """
    fixed = np.where(mask, values, 0.0)
    size = np.linalg.norm(fixed, axis=(1, 2), keepdims=True)
    fixed = fixed / size
    Z, X = fixed.copy(), fixed.copy()
    settled = np.zeros(len(fixed), bool)
    threshold = step / np.sqrt(min(mask.shape[1:]))
    for _ in range(max_iter):
        active = np.flatnonzero(~settled)
        if len(active) == 0:
            break
        z = Z[active]
        u, s, vt = _svd(z)
        shrunk = (u * np.maximum(s - threshold, 0)[:, None]) @ vt
        y = np.where(mask[active], fixed[active], 2 * shrunk - z)
        Z[active] = z + y - shrunk
        X[active] = y
        settled[active] = np.linalg.norm(y - shrunk, axis=(1, 2)) < tol
    return X * size, settled


def _svd(z):
    try:
        return np.linalg.svd(z, full_matrices=False)
    except (
        np.linalg.LinAlgError
    ):  # divide and conquer fails on rare matrices, QR iteration does not
        parts = [scipy.linalg.svd(a, full_matrices=False, lapack_driver="gesvd") for a in z]
        return tuple(np.stack(part) for part in zip(*parts, strict=True))
