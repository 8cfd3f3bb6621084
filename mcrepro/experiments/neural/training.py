"""The network of the slides with the settings they print, and its errors along the way.

Two hidden layers of 8 n² units (4 n² for 4 × 4 matrices, to save time), Adam with rate .001, batches of 64, 1800 of 2000 matrices to train on.
The slides print 10,000 epochs; not the number of matrices, the constant of the width, what the
input has where an entry is hidden (here: only the seen entries go in), the loss (here: mean square
over all n² outputs), whether the hidden positions vary (here: those of the printed cases, fixed).
"""

import numpy as np
import pandas as pd

from mcrepro.experiments import Protocol, Sweep
from mcrepro.experiments.neural._printed import CASE_2, CASE_4, MASK_2, MASK_4
from mcrepro.experiments.neural._task import TEST, draw, errors, relative
from mcrepro.experiments.neural._training import Net
from mcrepro.experiments.statistics import Estimate, mean

_CHECKPOINTS = (1, 3, 10, 30, 100, 300, 1000, 3000, 10000)


def trial(
    seed: np.random.SeedSequence, *, n: int, epochs: int, matrices: int = 2000, factor: int
) -> list[dict]:
    """Train a network for 2 × 2 (rank one) or 4 × 4 matrices (rank two) and watch it.

    Returns
    -------
    list of dict
        A row per checkpoint. ``training``, ``hidden``, ``seen``: root mean square error relative to
        predicting zero, at hidden entries of the training matrices, at hidden and at seen ones of
        new matrices; ``deviation``: share of errors at hidden entries within one standard
        deviation of the errors, ``deviation_all``: the same with the seen entries; ``sigma``: share of
        errors at hidden entries within √r; ``case_1`` ... : predictions at hidden entries of the printed case;
        ``near``, ``far``: ``hidden`` where |M_11| is below .1, and above 1.
    """
    rng = np.random.default_rng(seed)
    case, mask, rank = (CASE_2, MASK_2, 1) if n == 2 else (CASE_4, MASK_4, 2)
    train = draw(rng, round(0.9 * matrices), mask.shape, rank)
    test = draw(rng, TEST, mask.shape, rank)
    inputs, targets = train[:, mask], train.reshape(len(train), -1)
    net = Net([int(mask.sum()), factor * n * n, factor * n * n, n * n], rng)
    rows, done = [], 0
    for epoch in sorted({*(c for c in _CHECKPOINTS if c < epochs), epochs}):
        net.fit(inputs, targets, epoch - done)
        done = epoch
        error = errors(net, test, mask)
        hidden, truth = error[:, ~mask], test[:, ~mask]
        first = np.abs(test[:, 0, 0])
        predicted = net(case[mask][None]).reshape(n, n)[~mask]
        rows.append(
            {
                "epoch": epoch,
                "training": relative(errors(net, train, mask)[:, ~mask], train[:, ~mask]),
                "hidden": relative(hidden, truth),
                "seen": relative(error[:, mask], test[:, mask]),
                "deviation": float(np.mean(np.abs(hidden) <= hidden.std())),
                "deviation_all": float(np.mean(np.abs(error) <= error.std())),
                "sigma": float(np.mean(np.abs(hidden) <= np.sqrt(rank))),
                "near": relative(hidden[first < 0.1], truth[first < 0.1]),
                "far": relative(hidden[first > 1], truth[first > 1]),
                **{f"case_{k + 1}": float(p) for k, p in enumerate(predicted)},
            }
        )
    return rows


def error_2(table: pd.DataFrame) -> Estimate:
    """Final error at the hidden entry of new 2 × 2 matrices; 1 is predicting zero."""
    return mean(_last(table, 2)["hidden"])


def error_4(table: pd.DataFrame) -> Estimate:
    """Final error at the hidden entries of new 4 × 4 matrices; 1 is predicting zero."""
    return mean(_last(table, 4)["hidden"])


def seen_4(table: pd.DataFrame) -> Estimate:
    """Final error at the entries that the network for 4 × 4 matrices is shown."""
    return mean(_last(table, 4)["seen"])


def training_4(table: pd.DataFrame) -> Estimate:
    """Final error at hidden entries of the training matrices, 4 × 4."""
    return mean(_last(table, 4)["training"])


def best_4(table: pd.DataFrame) -> Estimate:
    """Least error at hidden entries of new 4 × 4 matrices at any checkpoint."""
    part = table[table["n"] == 4]
    return mean(part.groupby("trial")["hidden"].min())


def falls_2(table: pd.DataFrame) -> Estimate:
    """How much the test error falls between the tenth epoch and the last, 2 × 2."""
    return _fall(table, 2)


def falls_4(table: pd.DataFrame) -> Estimate:
    """How much the test error falls between the tenth epoch and the last, 4 × 4."""
    return _fall(table, 4)


def case_2(table: pd.DataFrame) -> Estimate:
    """Predicted hidden entry of the printed 2 × 2 case."""
    return mean(_last(table, 2)["case_1"])


def case_2_error(table: pd.DataFrame) -> Estimate:
    """Relative error at the hidden entry of the printed 2 × 2 case, mean over networks."""
    truth = CASE_2[1, 1]
    return mean((_last(table, 2)["case_1"] - truth).abs() / abs(truth))


def case_4_error(table: pd.DataFrame) -> Estimate:
    """Error at the hidden entries of the printed 4 × 4 case over that of predicting zero."""
    truth = CASE_4[~MASK_4]
    predicted = _last(table, 4)[["case_1", "case_2", "case_3"]].to_numpy()
    return mean([relative(p - truth, truth) for p in predicted])


def share_2(table: pd.DataFrame) -> Estimate:
    """Share of errors at hidden entries within their standard deviation, 2 × 2."""
    return mean(_last(table, 2)["deviation"])


def share_4(table: pd.DataFrame) -> Estimate:
    """Share of errors at hidden entries within their standard deviation, 4 × 4."""
    return mean(_last(table, 4)["deviation"])


def share_all_4(table: pd.DataFrame) -> Estimate:
    """Share of errors at all entries within their standard deviation, 4 × 4."""
    return mean(_last(table, 4)["deviation_all"])


def share_sigma_4(table: pd.DataFrame) -> Estimate:
    """Share of errors at hidden entries within the standard deviation of the entries, 4 × 4."""
    return mean(_last(table, 4)["sigma"])


def near_minus_far(table: pd.DataFrame) -> Estimate:
    """Excess of the 2 × 2 error where |M_11| < .1 over that where |M_11| > 1."""
    last = _last(table, 2)
    return mean(last["near"] - last["far"])


def _last(table, n):
    part = table[table["n"] == n]
    return part[part["epoch"] == part["epochs"]]


def _fall(table, n):
    part = table[(table["n"] == n)].pivot_table(index="trial", columns="epoch", values="hidden")
    return mean(part[10] - part[part.columns.max()])


PROTOCOL = Protocol(
    trial=trial,
    seed=2601,
    profiles={
        "smoke": Sweep(
            cells=[{"n": 2, "epochs": 100, "factor": 8}, {"n": 4, "epochs": 30, "factor": 4}],
            trials=2,
        ),
        "quick": Sweep(
            cells=[{"n": 2, "epochs": 300, "factor": 8}, {"n": 4, "epochs": 120, "factor": 4}],
            trials=4,
        ),
        "paper": Sweep(
            cells=[{"n": 2, "epochs": 10000, "factor": 8}, {"n": 4, "epochs": 10000, "factor": 4}],
            trials=5,
        ),
    },
)
