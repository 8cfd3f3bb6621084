"""What an installed wheel can do away from the repository: run by test_wheel.py and `nox -s release`."""

from pathlib import Path

import mcrepro as mc

assert not (Path(mc.__file__).parents[1] / "pyproject.toml").exists(), "this is the checkout"

problem = mc.instances.oversampled(60, 50, rank=2, ratio=4.0, condition=3.0, seed=0)
result = mc.complete(problem, "bm", rank=2, seed=0)
assert result.converged
assert result.relative_error(problem.truth) < 1e-6
methods = mc.methods()
assert result.method in set(methods["name"])

M = mc.instances.mixture_rows(4000, 20, rank=2, seed=0)
moments = mc.SecondMoment(20).update(mc.instances.sample_rows(M, p=0.2, seed=1))
fit = mc.recover_second_moment(moments, rank=2)
assert fit.relative_error(M.T @ M / len(M)) < 0.1

claims = {claim.id for claim in mc.ledger.load()}
register = set(mc.ledger.register()["id"])
assert claims <= register
assert claims

print(f"mcrepro {mc.__version__}: {len(methods)} methods, {len(claims)} claims")
