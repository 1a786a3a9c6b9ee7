"""A smooth surface through measurements: Gaussian-process regression over named features.

What is learned from a row carries over to another as far as the two agree: through every part of the kernel
(the same workload, the same accelerator, a like memory bandwidth, ...) with the weight that the data gave that part.
Fitting maximises the marginal likelihood of the rows fitted (Rasmussen and Williams, Gaussian Processes for Machine
Learning, 2006, section 5.4); a prediction is one weighted sum over the rows, and takes well under a millisecond.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Matrix = NDArray[numpy.float64]

#: Features of one row: words are compared, numbers are measured against each other.
Row = Mapping[str, str | float]

#: Where variances are believed to lie before any data is seen, and how strongly (as a share of one observation).
_PRIOR_VARIANCE: Final = 0.05
_PRIOR_WEIGHT: Final = 0.02
#: Printable letters from `#` on, one for each value of a column with few of them.
_FIRST_LETTER: Final = 35
_LETTERS: Final = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One term of the kernel: rows that agree in every word of `same` are alike as `shape` says over `over`.

    `flat`: all alike. `slope`: proportional to each number of `over` (a straight line through 0 is learned).
    `near`: alike within about `reach`.
    """

    variance: float
    same: tuple[str, ...] = ()
    shape: Literal["flat", "slope", "near"] = "flat"
    over: tuple[str, ...] = ()
    reach: float = 1.0
    is_fixed: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows as columns."""

    words: Mapping[str, tuple[str, ...]]
    numbers: Mapping[str, tuple[float, ...]]
    size: int


@dataclass(slots=True)
class Surface:
    """A fitted surface. `slopes` are the fixed part of the mean, `level` its constant."""

    parts: tuple[Part, ...]
    noise: float
    level: float
    slopes: Mapping[str, float]
    table: Table
    weights: tuple[float, ...]
    _columns: dict[str, Any] = field(default_factory=dict, repr=False)
    _sums: list[dict[tuple[str, ...], float]] = field(default_factory=list, repr=False)

    def predict(self, rows: Sequence[Row]) -> list[float]:
        """The middle value of each row."""
        return [self._predict(row) for row in rows]

    def _predict(self, row: Row) -> float:
        import numpy as np

        if not self._sums:
            self._sum_up()
        value = self.level + sum(slope * _number(row, name) for name, slope in self.slopes.items())
        closeness: dict[tuple[tuple[str, ...], float], Matrix] = {}
        for part, sums in zip(self.parts, self._sums, strict=True):
            if part.shape != "near":
                share = sums.get(tuple(str(row.get(name, "")) for name in part.same), 0.0)
                value += part.variance * share * math.prod(_number(row, name) for name in part.over)
                continue
            shape = part.over, part.reach
            if shape not in closeness:
                distance = np.zeros(self.table.size)
                for name in part.over:
                    distance += (self._columns[f"number {name}"] - _number(row, name)) ** 2
                with np.errstate(under="ignore"):
                    closeness[shape] = np.exp(distance * (-0.5 / part.reach**2))
            near = closeness[shape] * self._columns[""]
            for name in part.same:
                near = near * (self._columns[f"word {name}"] == hash(str(row.get(name, ""))))
            value += part.variance * float(near.sum())
        return float(value)

    def _sum_up(self) -> None:
        """Parts that are no more than levels and straight lines come down to one number for each of their words."""
        import numpy as np

        self._columns.update(_arrays(self.table))
        self._columns[""] = np.array(self.weights)
        for part in self.parts:
            sums: dict[tuple[str, ...], float] = {}
            if part.shape != "near":
                for index, weight in enumerate(self.weights):
                    words = tuple(self.table.words[name][index] for name in part.same)
                    factor = math.prod(self.table.numbers[name][index] for name in part.over)
                    sums[words] = sums.get(words, 0.0) + weight * factor
            self._sums.append(sums)

    def has(self, column: str, value: str) -> bool:
        """Whether any row of the surface says `value` there."""
        return value in self.table.words.get(column, ())

    def as_record(self) -> dict[str, Any]:
        """For a JSON file: columns of few values as places into a list, numbers with five digits."""
        return {
            "parts": [_without_defaults(part) for part in self.parts],
            "noise": _short(self.noise),
            "level": _short(self.level),
            "slopes": dict(self.slopes),
            "words": {name: _packed(column) for name, column in self.table.words.items()},
            "numbers": {
                name: _packed([_short(v) for v in column]) for name, column in self.table.numbers.items()
            },
            "weights": [_short(each, 6) for each in self.weights],
        }


def surface_from(record: Mapping[str, Any]) -> Surface:
    """The surface that `as_record` described."""
    words = {name: tuple(str(v) for v in _unpacked(column)) for name, column in record["words"].items()}
    numbers = {name: tuple(float(v) for v in _unpacked(column)) for name, column in record["numbers"].items()}
    return Surface(
        parts=tuple(
            Part(**{**part, "same": tuple(part.get("same", ())), "over": tuple(part.get("over", ()))})
            for part in record["parts"]
        ),
        noise=float(record["noise"]),
        level=float(record["level"]),
        slopes=dict(record["slopes"]),
        table=Table(words=words, numbers=numbers, size=len(record["weights"])),
        weights=tuple(float(each) for each in record["weights"]),
    )


def tabulate(rows: Sequence[Row], parts: Sequence[Part], slopes: Mapping[str, float]) -> Table:
    """The columns that a surface of these parts needs; an absent number is 0, an absent word is empty."""
    word_names = sorted({name for part in parts for name in part.same})
    number_names = sorted({name for part in parts for name in part.over} | set(slopes))
    return Table(
        words={name: tuple(str(row.get(name, "")) for row in rows) for name in word_names},
        numbers={name: tuple(float(row.get(name, 0.0)) for row in rows) for name in number_names},
        size=len(rows),
    )


def fit_surface(
    rows: Sequence[Row],
    values: Sequence[float],
    parts: Sequence[Part],
    *,
    slopes: Mapping[str, float] | None = None,
    trust: Sequence[float] | None = None,
    noise: float = 0.005,
    rounds: int = 40,
) -> Surface:
    """The surface through `values`.

    `slopes` are known before any data. `trust` divides the noise of each row. With `rounds` of 0 the variances stay
    as given; otherwise they are learned from these rows, by sign-based steps on the gradient of the evidence.

    Raises:
        ValueError: no rows, or as many values as rows were not given.
    """
    import numpy as np

    if not rows or len(rows) != len(values):
        raise ValueError(f"{len(rows)} rows, {len(values)} values")
    slopes = dict(slopes or {})
    table = tabulate(rows, parts, slopes)
    level = float(np.median(np.array(values) - _mean(table, 0.0, slopes)))
    target = np.array(values) - _mean(table, level, slopes)
    share = 1 / np.array(trust if trust is not None else [1.0] * len(rows))
    columns = _arrays(table)
    likeness = [_likeness(part, columns, table.size) for part in parts]
    logs = np.log(np.array([part.variance for part in parts] + [noise]))
    free = np.array([not part.is_fixed for part in parts] + [True])
    step, last = np.full(len(logs), 0.5), np.zeros(len(logs))
    best, best_logs = -math.inf, logs.copy()
    best_weights: Any = np.zeros(len(rows))
    for turn in range(rounds + 1):
        variances = np.exp(logs)
        kernel = np.zeros((len(rows), len(rows)))
        for variance, matrix in zip(variances, likeness, strict=False):
            kernel += variance * matrix
        kernel[np.diag_indices(len(rows))] += variances[-1] * share + 1e-8
        if rounds == 0:
            best_weights = np.linalg.solve(kernel, target)
            break
        lower = np.linalg.cholesky(kernel)
        inverse = np.linalg.inv(kernel)
        weights = inverse @ target
        evidence = float(-0.5 * target @ weights - np.log(np.diag(lower)).sum())
        if evidence > best:
            best, best_logs, best_weights = evidence, logs.copy(), weights
        if turn == rounds:
            break
        pull = np.outer(weights, weights) - inverse
        gradient = np.array(
            [0.5 * v * float(np.sum(pull * m)) for v, m in zip(variances, likeness, strict=False)]
            + [0.5 * variances[-1] * float(np.sum(np.diag(pull) * share))]
        )
        gradient -= _PRIOR_WEIGHT * (logs - math.log(_PRIOR_VARIANCE))
        sign = np.sign(gradient)
        step = np.where(
            sign * last > 0, np.minimum(step * 1.2, 1.0), np.where(sign * last < 0, step / 2, step)
        )
        last = sign
        logs = np.clip(logs + sign * step * free, -14, 4)
    learned = tuple(
        Part(**{**asdict(part), "variance": float(value)})
        for part, value in zip(parts, np.exp(best_logs), strict=False)
    )
    return Surface(
        parts=learned,
        noise=float(np.exp(best_logs[-1])),
        level=level,
        slopes=slopes,
        table=table,
        weights=tuple(float(each) for each in best_weights),
    )


def _number(row: Row, name: str) -> float:
    return float(row.get(name, 0.0))


def _mean(table: Table, level: float, slopes: Mapping[str, float]) -> Matrix:
    import numpy as np

    mean: Matrix = np.full(table.size, level)
    for name, slope in slopes.items():
        mean = mean + slope * np.array(table.numbers[name])
    return mean


def _arrays(table: Table) -> dict[str, Any]:
    """Columns for arithmetic; words are hashed to numbers, which compare a hundred times faster."""
    import numpy as np

    found: dict[str, Any] = {
        f"word {name}": np.array([hash(word) for word in column]) for name, column in table.words.items()
    }
    found.update({f"number {name}": np.array(column) for name, column in table.numbers.items()})
    return found


def _likeness(part: Part, columns: Mapping[str, Any], size: int) -> Matrix:
    """How alike each row is to each other, by one part without its variance."""
    import numpy as np

    matrix: Matrix = np.ones((size, size))
    if part.shape == "slope":
        line = np.prod([columns[f"number {name}"] for name in part.over], axis=0)
        matrix = np.outer(line, line)
    elif part.shape == "near":
        place = np.stack([columns[f"number {name}"] for name in part.over], axis=1) / part.reach
        length = np.sum(place * place, axis=1)
        distance = length[:, None] + length[None, :] - 2 * place @ place.T
        with np.errstate(under="ignore"):
            matrix = np.exp(-0.5 * np.maximum(distance, 0.0))
    if part.same:
        # One number for all words together, so that the rows are compared once.
        words = sum(
            columns[f"word {name}"] // len(part.same) * (2 * i + 1) for i, name in enumerate(part.same)
        )
        matrix *= words[:, None] == words[None, :]
    return matrix


def _packed(column: Sequence[Any]) -> Any:
    """A column with few values as those and one letter a row, which is a fifth of the size."""
    known = sorted(set(column))
    place = {value: index for index, value in enumerate(known)}
    if len(known) > _LETTERS:
        is_word = isinstance(known[0], str)
        return {"known": known, "of": [place[value] for value in column]} if is_word else list(column)
    return {"known": known, "of": "".join(chr(_FIRST_LETTER + place[value]) for value in column)}


def _unpacked(column: Any) -> Sequence[Any]:
    if isinstance(column, list):
        return column
    if isinstance(column["of"], list):
        return [column["known"][place] for place in column["of"]]
    return [column["known"][ord(letter) - _FIRST_LETTER] for letter in column["of"]]


def _without_defaults(part: Part) -> dict[str, Any]:
    record: dict[str, Any] = {"variance": _short(part.variance)}
    for name, default in (("same", ()), ("shape", "flat"), ("over", ()), ("reach", 1.0)):
        value = getattr(part, name)
        if value != default:
            record[name] = value
    return record


def _short(value: float, digits: int = 5) -> float:
    return float(f"{value:.{digits}g}")
