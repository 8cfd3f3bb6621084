"""The loop stops for the right reason, at the point that it reports."""

import numpy as np
import pytest

from mcrepro.solvers._loop import Iterate, Loop


def path(objectives, residuals=None, gradients=None):
    """Points whose factors carry their own number."""
    for k, objective in enumerate(objectives):
        yield Iterate(
            np.full((2, 1), float(k)),
            np.ones((2, 1)),
            objective,
            residual=1.0 if residuals is None else residuals[k],
            gradient_norm=None if gradients is None else gradients[k],
            number=k,
        )


def run(iterates, callback=None, **options):
    return Loop(callback)(iterates, **({"max_iter": 1000, "rtol": 1e-6} | options))


@pytest.mark.parametrize(
    ("arguments", "options", "reason", "n_iter"),
    [
        (([3, 2, 1], [1, 1e-6, 0]), {}, "residual", 1),
        (([3, 2, 1], None, [1, 0.1, 0.01]), {"gtol": 0.1}, "gradient", 1),
        (([3, 2, 1], [1, 1e-7, 0], [1, 0.0, 0]), {"gtol": 0.1}, "residual", 1),
        (([3, 2, 1],), {"max_iter": 2}, "max_iter", 2),
        (([3, 2, 1],), {"max_iter": 0}, "max_iter", 0),
        (([3, 2, 1],), {}, "stalled", 2),  # no step left
        (([3, 2] + [2] * 99,), {"patience": 10}, "stalled", 11),
        (([3, 2] + [2 - 1e-13] * 99,), {"patience": 10}, "stalled", 11),
        (([3] + [5, 2] * 50,), {"patience": 10}, "stalled", 12),
        (([3] + [2] * 99, None, 0.5 ** np.arange(100)), {"patience": 10}, "stalled", 99),
        (([3] + [2] * 99, None, [1.0] * 100), {"patience": 10}, "stalled", 11),
        (([3, np.nan, 1],), {}, "diverged", 1),
        (([3, np.inf, 1],), {}, "diverged", 1),
        (([3, 2, 1], [1, np.nan, 1]), {}, "diverged", 1),
        (([3, 2, 1], None, [1, np.inf, 0]), {}, "diverged", 1),
        (([3, 4, 5], [1, 10, 1.1e4]), {}, "diverged", 2),
        (([3, 4, 5], [100, 10, 1.1e4]), {}, "stalled", 2),  # no more than its own start allows
    ],
)
def test_stop_reasons(arguments, options, reason, n_iter):
    outcome = run(path(*arguments), **options)
    assert (outcome.stop_reason, outcome.n_iter) == (reason, n_iter)
    # The point, its certificate and the last record are one and the same.
    assert outcome.iterate.left[0, 0] == outcome.certificate["number"] == n_iter
    assert outcome.history[-1]["number"] == n_iter
    assert [record["iteration"] for record in outcome.history] == list(range(n_iter + 1))


def test_a_slow_but_steady_decrease_is_not_stalling():
    outcome = run(path(1 - 1e-9 * np.arange(200)), patience=10, max_iter=150)
    assert outcome.stop_reason == "max_iter"


def test_callback_sees_every_point_and_can_stop():
    seen = []

    def callback(record, iterate):
        assert record["number"] == iterate.left[0, 0]
        record["objective"] = None  # its own copy
        seen.append(record["iteration"])
        return len(seen) == 3

    outcome = run(path([5, 4, 3, 2, 1]), callback)
    assert (outcome.stop_reason, outcome.n_iter, seen) == ("callback", 2, [0, 1, 2])
    assert outcome.history[1]["objective"] == 4


def test_a_met_tolerance_counts_before_the_callback():
    outcome = run(path([2, 1], [1, 0]), lambda record, _: record["iteration"] == 1)
    assert outcome.stop_reason == "residual"


def test_the_method_is_closed_when_the_loop_stops():
    closed = []

    def iterates():
        try:
            yield from path([3, 2, 1])
        finally:
            closed.append(True)

    run(iterates(), max_iter=1)
    assert closed == [True]


def test_an_empty_path_is_an_error_of_the_method():
    with pytest.raises(RuntimeError, match="must yield its start"):
        run(path([]))
