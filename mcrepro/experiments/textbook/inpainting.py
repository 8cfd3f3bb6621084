"""Hidden pixels, filled by the mean, from the neighbours, and by a matrix of low rank.

The images are a photograph that comes with scikit-learn (china.jpg by danielbuechele, CC BY 2.0; every
third pixel, grey) and a tiled pattern computed here. Hidden are 60 % of the pixels at random ("dots") or
a rectangle in the middle ("patch").
"""

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import spsolve

import mcrepro as mc
from mcrepro.experiments import Protocol, Sweep


def picture(name: str) -> np.ndarray:
    """Return "photo", shape (142, 214), or "tiles", (120, 180), with values in [0, 1]."""
    if name == "photo":
        from sklearn.datasets import load_sample_image

        return load_sample_image("china.jpg").mean(axis=2)[:-1:3, ::3] / 255
    y, x = np.mgrid[:120, :180]
    waves = np.sign(np.sin(2 * np.pi * y / 24)) * np.sign(np.sin(2 * np.pi * x / 30))
    stripes = np.cos(2 * np.pi * y / 8) + np.cos(2 * np.pi * x / 10)
    return 0.5 + 0.25 * waves + 0.1 * stripes


def hidden(kind: str, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return a mask of the hidden pixels: "dots" or "patch"."""
    if kind == "dots":
        return rng.random(shape) < 0.6
    mask = np.zeros(shape, bool)
    mask[shape[0] // 3 : shape[0] * 3 // 5, shape[1] // 3 : shape[1] * 3 // 5] = True
    return mask


def from_neighbours(image: np.ndarray, hide: np.ndarray) -> np.ndarray:
    """Fill so that every hidden pixel is the mean of its two to four neighbours."""
    sides = [sp.diags_array(np.ones(n - 1), offsets=1, shape=(n, n)) for n in image.shape]
    touch = sp.kron(sides[0] + sides[0].T, sp.eye_array(image.shape[1]))
    touch = (touch + sp.kron(sp.eye_array(image.shape[0]), sides[1] + sides[1].T)).tocsr()
    laplace = (sp.diags_array(touch.sum(axis=1)) - touch).tocsr()
    inside, outside = np.flatnonzero(hide), np.flatnonzero(~hide)
    known = image.ravel()[outside]
    filled = image.copy()
    system = laplace[inside][:, inside].tocsc()
    filled[hide] = spsolve(system, -laplace[inside][:, outside] @ known)
    return filled


def by_low_rank(image: np.ndarray, hide: np.ndarray, rank: int) -> np.ndarray:
    """Fill with the method als, its ridge learned, clipped to [0, 1]."""
    problem = mc.Problem.from_dense(image, ~hide)
    result = mc.complete(
        problem, "als", rank=rank, ridge="learned", center="rows+columns", gtol=0.01
    )
    return np.where(hide, np.clip(result.matrix(), 0, 1), image)


def trial(seed: np.random.SeedSequence, *, image: str, hide: str, rank: int) -> dict:
    """Fill one image three ways; root mean square errors on the hidden pixels, in units of white."""
    full = picture(image)
    mask = hidden(hide, full.shape, np.random.default_rng(seed))
    fills = {
        "mean": np.full(full.shape, full[~mask].mean()),
        "neighbours": from_neighbours(full, mask),
        "low_rank": by_low_rank(full, mask, rank),
    }
    return {k: float(np.sqrt(np.mean((fill - full)[mask] ** 2))) for k, fill in fills.items()}


SETTINGS = {"image": ["photo", "tiles"], "hide": ["dots", "patch"], "rank": 10}
PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep({**SETTINGS, "rank": 3}, trials=1),
        "quick": Sweep(SETTINGS, trials=1),
        "paper": Sweep(SETTINGS, trials=5),
    },
)
