"""The typed parameters of a notebook, checked before any kernel starts.

A notebook declares its parameters in its front matter, under ``mcrepro: parameters:``; its
``parameters`` cell holds the values of the default profile. Here the declaration meets the values:
those of the cell, those of the other profiles, and those that a reader gives.
"""

import ast
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pydantic

from mcrepro._near import near_miss
from mcrepro.companion.project import DEFAULT_PROFILE
from mcrepro.errors import BuildError, ParameterError
from mcrepro.experiments import PROFILES

_WORDS = {
    "int": ("an integer", "integers"),
    "float": ("a number", "numbers"),
    "str": ("a string", "strings"),
    "bool": ("true or false", "booleans"),
}
_TYPES: dict[str, Any] = {
    "int": Annotated[int, pydantic.Field(strict=True)],
    "float": Annotated[float, pydantic.Field(strict=True, allow_inf_nan=False)],
    "str": Annotated[str, pydantic.Field(strict=True)],
    "bool": Annotated[bool, pydantic.Field(strict=True)],
}


class Parameter(pydantic.BaseModel):
    """One parameter as the front matter declares it.

    Attributes
    ----------
    type : str
        ``int``, ``float``, ``str``, ``bool``, or ``list[...]`` of the first three.
    ge, le, gt, lt : float, optional
        Bounds; for a list, of each of its items.
    choices : list, optional
        The values that are allowed.
    unit, help, cost : str
        What one unit is, what it means, and what a larger value costs: shown to the reader.
    smoke, paper : optional
        Its values in these profiles (default: as in the cell).
    protocol : str, optional
        ``from`` in the front matter: the protocol whose profiles give smoke, quick and paper values.
    """

    model_config = pydantic.ConfigDict(extra="forbid", strict=True, frozen=True)

    type: Literal["int", "float", "str", "bool", "list[int]", "list[float]", "list[str]"]
    ge: float | None = None
    le: float | None = None
    gt: float | None = None
    lt: float | None = None
    choices: list[Any] | None = None
    unit: str = ""
    help: str = ""
    cost: str = ""
    smoke: Any = None
    paper: Any = None
    protocol: str | None = pydantic.Field(default=None, alias="from")

    @property
    def item(self) -> str:
        """The type of the value, or of each item of a list."""
        return self.type.removeprefix("list[").removesuffix("]")

    @property
    def is_list(self) -> bool:
        return self.type.startswith("list[")

    def allowed(self) -> str:
        """Return the allowed values in words, such as ``from 1 to 500``; empty if all are."""
        if self.choices is not None:
            return "one of " + ", ".join(map(repr, self.choices))
        if self.ge is not None and self.le is not None:
            return f"from {self.ge:.12g} to {self.le:.12g}"
        bounds = [
            f"{word} {bound:.12g}"
            for word, bound in [
                ("at least", self.ge),
                ("above", self.gt),
                ("at most", self.le),
                ("below", self.lt),
            ]
            if bound is not None
        ]
        return " and ".join(bounds)

    def needs(self) -> str:
        """Return what a value has to be, in words."""
        one, many = _WORDS[self.item]
        allowed = self.allowed()
        if self.is_list:
            words = f"a list of {many}" + (f", each {allowed}" if allowed else "")
        elif self.choices is not None:
            words = allowed
        else:
            words = f"{one} {allowed}".strip()
        return f"{words} ({self.unit})" if self.unit else words

    def field(self) -> Any:
        """Return the pydantic type of its value."""
        bounds = {
            key: bound
            for key in ("ge", "le", "gt", "lt")
            if (bound := getattr(self, key)) is not None
        }
        item = _TYPES[self.item]
        if bounds:
            item = Annotated[item, pydantic.Field(**bounds)]
        if self.choices is not None:
            item = Annotated[item, pydantic.AfterValidator(self._chosen)]
        return list[item] if self.is_list else item  # type: ignore[valid-type]

    def _chosen(self, value: Any) -> Any:
        if value not in (self.choices or ()):
            raise ValueError("not one of the choices")
        return value

    def parse(self, text: str) -> Any:
        """Return the value that `text`, a word of the command line, stands for.

        Text that is no value of the right kind comes back as it is, for :meth:`Schema.check` to
        refuse.
        """
        if self.is_list:
            return [self._parse_one(part.strip()) for part in text.strip("[]").split(",")]
        return self._parse_one(text)

    def _parse_one(self, text: str) -> Any:
        if self.item == "str":
            return text
        if self.item == "bool":
            return {"true": True, "false": False}.get(text.lower(), text)
        try:
            return ast.literal_eval(text)
        except (ValueError, SyntaxError):
            return text


class Schema:
    """The parameters of one notebook: how they are declared, and their default values.

    Parameters
    ----------
    page : str
        The notebook's name, for messages.
    declared : mapping
        Front matter: parameter name -> declaration.
    defaults : mapping
        The values of the ``parameters`` cell, ``profile`` among them if it is there.

    Raises
    ------
    BuildError
        If declaration and cell do not name the same parameters, or a value of a profile is not
        allowed, or disagrees with the protocol it is taken from.
    """

    def __init__(self, page: str, declared: Mapping[str, Any], defaults: Mapping[str, Any]):
        self.page = page
        self.has_profile = "profile" in defaults
        if self.has_profile and defaults["profile"] != DEFAULT_PROFILE:
            raise BuildError(
                f"{page}: the parameters cell has profile = {defaults['profile']!r}; "
                f"it holds the values of {DEFAULT_PROFILE!r}"
            )
        cell = {name: value for name, value in defaults.items() if name != "profile"}
        self.parameters = {name: _parameter(page, name, entry) for name, entry in declared.items()}
        for name in cell.keys() - self.parameters.keys():
            raise BuildError(f"{page}: parameter {name} is in the cell but not in the front matter")
        for name in self.parameters.keys() - cell.keys():
            raise BuildError(f"{page}: parameter {name} is in the front matter but not in the cell")
        # In the order of the cell, which is the order the reader sees.
        self.parameters = {name: self.parameters[name] for name in cell}
        self._model = pydantic.create_model(
            "Parameters",
            __config__=pydantic.ConfigDict(extra="forbid", protected_namespaces=()),
            **{name: (p.field(), ...) for name, p in self.parameters.items()},  # type: ignore[call-overload]
        )
        try:
            self.profiles = {profile: self._profile(profile, cell) for profile in PROFILES}
        except ParameterError as error:
            raise BuildError(str(error)) from None

    def resolve(self, profile: str, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the value of every parameter in `profile`, `overrides` applied.

        Raises
        ------
        ParameterError
            If `overrides` has an unknown name, a wrong type or a value out of range.
        """
        overrides = dict(overrides or {})
        for name in overrides:
            self._known(name)
        values = self.check({**self.profiles[profile], **overrides})
        return {"profile": profile, **values} if self.has_profile else values

    def injected(self, profile: str, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return those values of :meth:`resolve` that differ from the cell: nothing by default."""
        defaults = self.resolve(DEFAULT_PROFILE)
        return {
            name: value
            for name, value in self.resolve(profile, overrides).items()
            if value != defaults[name]
        }

    def own(self, profile: str, overrides: Mapping[str, Any]) -> dict[str, Any]:
        """Return those `overrides` that differ from the profile."""
        values = self.resolve(profile, overrides)
        return {
            name: values[name] for name in overrides if values[name] != self.profiles[profile][name]
        }

    def parse(self, words: Mapping[str, str]) -> dict[str, Any]:
        """Return the values that words of the command line stand for."""
        return {name: self._known(name).parse(text) for name, text in words.items()}

    def check(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return `values` with their declared types.

        Raises
        ------
        ParameterError
            Naming the parameter, what came and what it needs.
        """
        try:
            return self._model.model_validate(dict(values)).model_dump()
        except pydantic.ValidationError as error:
            name = str(error.errors()[0]["loc"][0])
            raise ParameterError(
                f"{self.page}: {name} = {values[name]!r} will not do; "
                f"it needs {self.parameters[name].needs()}"
            ) from None

    def _known(self, name: str) -> Parameter:
        if name in self.parameters:
            return self.parameters[name]
        if name == "profile":
            raise ParameterError(
                f"{self.page}: choose the profile with --profile, not as parameter"
            )
        raise ParameterError(
            f"{self.page} has no parameter {name!r}{near_miss(name, sorted(self.parameters))}"
        )

    def _profile(self, profile: str, cell: Mapping[str, Any]) -> dict[str, Any]:
        values = dict(cell)
        for name, parameter in self.parameters.items():
            if parameter.protocol is not None:
                value = _protocol_value(self.page, name, parameter, profile)
                if profile == DEFAULT_PROFILE and value != cell[name]:
                    raise BuildError(
                        f"{self.page}: {name} = {cell[name]!r} in the parameters cell, but "
                        f"{value!r} in profile {profile} of protocol {parameter.protocol}"
                    )
                values[name] = value
            elif profile != DEFAULT_PROFILE:
                value = getattr(parameter, profile)
                values[name] = cell[name] if value is None else value
        return self.check(values)


def _parameter(page: str, name: str, entry: Any) -> Parameter:
    if name == "profile":
        raise BuildError(f"{page}: parameter profile is implicit; leave it out of the front matter")
    try:
        parameter = Parameter.model_validate(entry)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise BuildError(f"{page}: parameter {name}: {key}: {first['msg']}") from None
    if parameter.protocol and (parameter.smoke is not None or parameter.paper is not None):
        raise BuildError(
            f"{page}: parameter {name} takes its values from either a protocol or here"
        )
    if parameter.item in ("str", "bool") and parameter.allowed() and parameter.choices is None:
        raise BuildError(f"{page}: parameter {name} is a {parameter.item}; it has no bounds")
    return parameter


def _protocol_value(page: str, name: str, parameter: Parameter, profile: str) -> Any:
    from mcrepro import experiments

    sweep = experiments.get(parameter.protocol).profiles[profile]
    if name == "trials":
        return sweep.trials
    if name not in sweep.grid:
        raise BuildError(
            f"{page}: protocol {parameter.protocol} has no parameter "
            f"{name!r}{near_miss(name, [*sweep.grid, 'trials'])}"
        )
    values = list(sweep.grid[name])
    if parameter.is_list:
        return values
    if len(values) != 1:
        raise BuildError(
            f"{page}: protocol {parameter.protocol} sweeps {name} over {values}; "
            f"declare it as list[{parameter.type}]"
        )
    return values[0]
