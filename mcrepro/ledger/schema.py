"""What a ledger entry says: one claim of a paper, and how a program decides it.

An entry is a mapping in ``claims/<paper>/<chapter>.yml``. A checked claim has

========== =========================================================================================
id         its id in ``register.csv`` (or a part named in ``mapping.yml``)
paper      ``textbook``, ``landscape``, ``noise``, ``hajek`` or ``neural``
where      section, equation, figure or table of the paper
claim      what is claimed, in our words
printed    what the paper prints; one of the five kinds below
tolerance  how far a number may be from the printed one, and why (``value``, bounds and ``curve``)
protocol   the protocol that computes the statistic, as in ``mcrepro.experiments.run``
statistic  a function of the protocol's module: table -> Estimate, mapping of Estimates, or bool
chapter    the page that shows it, as in ``_toc.yml``
========== =========================================================================================

and, where they apply, ``explanation`` (the ``page#section`` that explains a discrepancy) and
``incomparable`` (why the values of reduced profiles are no estimates of the paper profile's).

Two other forms replace ``protocol`` and ``statistic``:

- ``left_open`` and ``readings``: the text leaves open what decides the claim. Each reading has a
  ``label`` and its own ``protocol``, ``statistic``, ``printed`` and ``tolerance``; what a reading
  does not say it takes from the claim. The verdict is "under-specified", with every outcome.
- ``blocked``: what is missing for a check. ``printed`` may stay, to show what the paper says.

What can be printed, and what the statistic must return for it:

=========================================== ================== =====================================
``printed``                                 statistic returns  reproduced when
=========================================== ================== =====================================
``{value: 0.99, decimals: 2}``              Estimate           it is the printed value, rounded as
                                                               printed, within the tolerance
``{at_least: a}``, ``{at_most: b}``, both,  Estimate           it keeps to the bound (``above`` and
``{above: a}``, ``{below: b}``                                 ``below`` exclude equality); ``above:
                                                               0`` is an ordering of two quantities
``{increasing: [a, b, c]}``                 name -> Estimate   the values grow in this order
``{curve: [[x, y], ...], decimals: 1}``     x -> Estimate      every y is reproduced as a value
``{holds: true}``                           bool               the proof in code returns True; exact
                                                               protocols only
=========================================== ================== =====================================

``decimals`` counts the printed digits after the point (2 for 0.99, -9 for 1.7e10), or is ``exact``
where the printed number is not rounded, such as 1/4. An identity that holds up to rounding errors
is a bound on its largest deviation: ``{at_most: 1.0e-12}``. ``text`` in any kind replaces the
generated wording of the printed value. The rules of decision are those of `mcrepro.ledger.verdict`.

One entry of each form (write 1.0e+10 with its dot and sign: YAML takes 1e10 for a word)::

    - id: hajek-99pct
      paper: hajek
      where: Key results
      claim: Hájek has about 99 % less bias than Horvitz-Thompson.
      printed: {value: 0.99, decimals: 2, text: about 99 %}
      tolerance: {absolute: 0.005, reason: the text says "about"}
      left_open: Which norm is meant, and the size of the instance.
      protocol: hajek-frobenius
      readings:
        - {label: "Frobenius norm, C = 2", statistic: reduction_c2}
        - {label: "mean signed error, C = 2", statistic: bias_reduction_c2}
      chapter: onesided/estimators

    - id: hajek-unbiased
      paper: hajek
      where: Mechanism 1
      claim: Given that a pair is observed together, its Hájek estimate has no bias.
      printed: {at_most: 1.0e-12, text: unbiased}
      tolerance: {reason: rounding errors of adding up 4096 masks}
      protocol: hajek-enumeration
      statistic: largest_bias
      chapter: onesided/estimators

    - id: hajek-amazon
      paper: hajek
      where: Key results
      claim: On Amazon reviews the error is 59 % lower than the baselines'.
      printed: {value: 0.59, decimals: 2}
      blocked: The split, the baselines and the subset of reviews are not given.
      chapter: onesided/estimators
"""

from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from mcrepro._near import did_you_mean

Paper = Literal["textbook", "landscape", "noise", "hajek", "neural"]
Text = Annotated[str, Field(min_length=1)]


class Strict(BaseModel):
    """A frozen model that refuses keys it does not know and names the near miss."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        if isinstance(data, dict):
            for key in data:
                if key not in cls.model_fields:
                    hint = did_you_mean(str(key), cls.model_fields)
                    raise ValueError(f"unknown key {key!r}{hint}")
        return data


class Tolerance(Strict):
    """How far from the printed number is still the printed number, beyond its rounding.

    `absolute` has the unit of the number, `relative` is a fraction of it; the two add up.
    """

    absolute: float = Field(default=0.0, ge=0)
    relative: float = Field(default=0.0, ge=0)
    reason: Text


class _Rounded(Strict):
    decimals: int | Literal["exact"]
    text: str | None = None

    def rounding(self) -> float:
        """Half a unit in the last printed place."""
        return 0.0 if self.decimals == "exact" else 0.5 * 10.0 ** (-self.decimals)

    def show(self, number: float) -> str:
        """Return `number` with the digits that are printed."""
        if self.decimals == "exact":
            return f"{number:g}"
        if self.decimals < 0:
            return f"{number:.4g}"
        return f"{number:.{self.decimals}f}"

    def _check_digits(self, number: float) -> None:
        if self.decimals != "exact" and abs(round(number, self.decimals) - number) > 1e-9 * abs(
            number
        ):
            raise ValueError(f"{number} has more digits than decimals: {self.decimals} says")


class Value(_Rounded):
    """One printed number."""

    value: float

    @model_validator(mode="after")
    def _digits(self):
        self._check_digits(self.value)
        return self

    def as_text(self) -> str:
        """Return the printed number with its printed digits."""
        return self.text or self.show(self.value)


class Bound(Strict):
    """A printed bound, or an interval when there is one on either side."""

    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    below: float | None = None
    text: str | None = None

    @model_validator(mode="after")
    def _one_a_side(self):
        if self.at_least is not None and self.above is not None:
            raise ValueError("give at_least or above, not both")
        if self.at_most is not None and self.below is not None:
            raise ValueError("give at_most or below, not both")
        low = self.above if self.at_least is None else self.at_least
        high = self.below if self.at_most is None else self.at_most
        if low is None and high is None:
            raise ValueError("a bound needs a number")
        if low is not None and high is not None and low >= high:
            raise ValueError(f"the lower bound {low:g} is not below the upper bound {high:g}")
        return self

    def as_text(self) -> str:
        """Return the bound in words."""
        words = {
            "at_least": "at least",
            "above": "more than",
            "at_most": "at most",
            "below": "less than",
        }
        sides = [
            f"{word} {getattr(self, side):g}"
            for side, word in words.items()
            if getattr(self, side) is not None
        ]
        return self.text or " and ".join(sides)


class Order(Strict):
    """A printed ranking of named quantities, from the smallest to the largest."""

    increasing: tuple[str, ...] = Field(min_length=2)
    text: str | None = None

    @model_validator(mode="after")
    def _distinct(self):
        if len(set(self.increasing)) < len(self.increasing):
            raise ValueError("a name stands twice in increasing")
        return self

    def as_text(self) -> str:
        """Return the ranking as a chain."""
        return self.text or " < ".join(self.increasing)


class Curve(_Rounded):
    """Printed pairs (x, y); x is a number or a name."""

    curve: tuple[tuple[float | str, float], ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _points(self):
        for _, y in self.curve:
            self._check_digits(y)
        if len({x for x, _ in self.curve}) < len(self.curve):
            raise ValueError("an x stands twice in curve")
        return self

    def as_text(self) -> str:
        """Return the points as ``x: y``."""
        points = [
            f"{x if isinstance(x, str) else format(x, 'g')}: {self.show(y)}" for x, y in self.curve
        ]
        return self.text or ", ".join(points)


class Statement(Strict):
    """A statement that a proof in code decides."""

    holds: Literal[True]
    text: str | None = None

    def as_text(self) -> str:
        """Return the statement's text."""
        return self.text or "holds"


_KINDS = {
    "value": "value",
    "at_least": "bound",
    "at_most": "bound",
    "above": "bound",
    "below": "bound",
    "increasing": "order",
    "curve": "curve",
    "holds": "statement",
}


def _kind(data: Any) -> str:
    """Tell the kind of `printed` by the key that only this kind has, or by its class."""
    if isinstance(data, dict):
        return next(kind for key, kind in _KINDS.items() if key in data)
    return type(data).__name__.lower()


def _has_kind(data: Any) -> Any:
    if isinstance(data, Strict) or (isinstance(data, dict) and not _KINDS.keys().isdisjoint(data)):
        return data
    need = f"needs a mapping with one of {', '.join(_KINDS)}; got {data!r}"
    keys = data if isinstance(data, dict) else ()
    raise ValueError(
        need + next(filter(None, (did_you_mean(str(key), _KINDS) for key in keys)), "")
    )


Printed = Annotated[
    Annotated[Value, Tag("value")]
    | Annotated[Bound, Tag("bound")]
    | Annotated[Order, Tag("order")]
    | Annotated[Curve, Tag("curve")]
    | Annotated[Statement, Tag("statement")],
    Discriminator(_kind),
    BeforeValidator(_has_kind),
]


class Check(Strict):
    """What decides a claim, or one reading of it: a printed thing and a statistic to hold to it."""

    label: str = ""
    printed: Printed
    tolerance: Tolerance | None = None
    protocol: Text
    statistic: Text

    @model_validator(mode="after")
    def _tolerance_with_numbers(self):
        numeric = isinstance(self.printed, Value | Bound | Curve)
        if numeric and self.tolerance is None:
            raise ValueError("a printed number needs a tolerance with its reason")
        if not numeric and self.tolerance is not None:
            raise ValueError("a tolerance has no meaning where no number is compared")
        return self


class Reading(Check):
    """One way to fill in what the text leaves open."""

    label: Text


_INHERITED = ("printed", "tolerance", "protocol", "statistic")


class Claim(Strict):
    """One entry of the ledger; see the module's description for its keys."""

    id: Text
    paper: Paper
    where: Text
    claim: Text
    chapter: Text
    printed: Printed | None = None
    tolerance: Tolerance | None = None
    protocol: Text | None = None
    statistic: Text | None = None
    left_open: Text | None = None
    readings: tuple[Reading, ...] | None = Field(default=None, min_length=1)
    blocked: Text | None = None
    explanation: Text | None = None
    incomparable: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _readings_inherit(cls, data: Any) -> Any:
        if not isinstance(data, dict) or not isinstance(data.get("readings"), list):
            return data
        common = {key: data[key] for key in _INHERITED if data.get(key) is not None}
        full = [common | r if isinstance(r, dict) else r for r in data["readings"]]
        return data | {"readings": full}

    @model_validator(mode="after")
    def _one_form(self):
        if not self.id.startswith(f"{self.paper}-"):
            raise ValueError(f"id {self.id!r} does not begin with its paper, '{self.paper}-'")
        if self.blocked is not None:
            if self.readings or self.protocol or self.statistic or self.tolerance:
                raise ValueError("a blocked claim has no protocol, statistic, tolerance, readings")
            return self
        if (self.readings is None) != (self.left_open is None):
            raise ValueError("readings and left_open (what the text leaves open) go together")
        if self.readings is not None:
            labels = [reading.label for reading in self.readings]
            if len(set(labels)) < len(labels):
                raise ValueError("two readings have the same label")
            return self
        missing = [k for k in ("printed", "protocol", "statistic") if getattr(self, k) is None]
        if missing:
            raise ValueError(f"missing {', '.join(missing)} (or give readings, or blocked)")
        _ = self.checks  # its own validation: a tolerance where a number is compared
        return self

    @property
    def checks(self) -> tuple[Check, ...]:
        """What is to be computed: one check, one per reading, or none when blocked."""
        if self.blocked is not None:
            return ()
        if self.readings is not None:
            return self.readings
        return (Check(**{key: getattr(self, key) for key in _INHERITED}),)

    def printed_text(self) -> str:
        """Return what the paper prints, as text; the readings' when the claim has none itself."""
        if self.printed is not None:
            return self.printed.as_text()
        texts = [reading.printed.as_text() for reading in self.readings or ()]
        return " / ".join(dict.fromkeys(texts))
