"""A second checker of vPALs proofs, written from docs/proof-format.md and nothing else.

    check_proof.py PROOF --network NETWORK.txt --query Q1.txt [--query Q2.txt ...] [--ranges]
    check_proof.py --batch DIR [--ranges]

NETWORK.txt and the Qi.txt are the canonical texts whose SHA-256 a proof binds. Prints `valid: L leaves, P pieces, N
nodes` (leaves: tags 00, 01, 06 and 08; pieces: those with tag 06; nodes: all) and exits 0, or `invalid: query Q, node K:
RULE` (both from 0; nodes in preorder) and exits 1. Exits 2 for arguments that cannot be read.

--batch reads every *.jsonl file in DIR (or DIR itself, if it is a file): one JSON object {"proof", "network",
"queries"} a line, paths relative to the file. It prints one JSON object a line, in the same order.

--ranges also watches every sum and product of the bounds and reports those that leave 64 bits, on standard error.

As a module: check(proof, network text, query texts) -> (ok, rule, query, node, leaves).
"""

import argparse
import hashlib
import json
import math
import os
import re
import sys
from collections import OrderedDict
from fractions import Fraction
from operator import mul
from typing import NamedTuple

HEADER = b"vpals-proof/1\n"
LARGEST_FILE = 1 << 32
LARGEST_LAYER = 4096
MOST_ANCHORS = 64  # on the way to a node
LARGEST_WAIT = 4096
LARGEST_EXPONENT = 1 << 16  # of a number in a network's text: keeps 2^exponent affordable
LARGEST_TEXT = 1 << 20  # digits of a number in a text

ONE = 1 << 30  # t = 1
COEFFICIENT = (1 << 30) - 1  # the largest coefficient of a backward pass
SLOPE = (1 << 30) - 1  # the largest slope of a line
SUM = 1 << 61
BELOW_ONE = (1 << 30) - 1

# What a half byte stands for; 16: a number that was not written and is not a multiple of 1/15.
HALF_BYTES = [v * 65536 // 15 for v in range(16)] + [32768]


class Unreadable(Exception):
    """An argument that is not a network, a query or a list of them."""


class Refused(Exception):
    """The rule that a proof violates."""

    def __init__(self, rule):
        super().__init__(rule)
        self.rule = rule


class NoProof(Exception):
    """A query whose numbers are out of range."""


class Outcome(NamedTuple):
    valid: bool
    rule: str
    query: int
    node: int
    leaves: int
    pieces: int
    nodes: int


# MARK: Range watching


class Watched(int):
    """An integer that records, for each line of this file, the largest result of an operation."""

    peaks = {}

    @classmethod
    def note(cls, value):
        line = sys._getframe(2).f_lineno
        if value > cls.peaks.get((line, 1), 0):
            cls.peaks[line, 1] = value
        if -value > cls.peaks.get((line, -1), 0):
            cls.peaks[line, -1] = -value
        return cls(value)

    def __add__(self, other):
        return Watched.note(int.__add__(self, other))

    def __radd__(self, other):
        return Watched.note(int.__radd__(self, other))

    def __sub__(self, other):
        return Watched.note(int.__sub__(self, other))

    def __rsub__(self, other):
        return Watched.note(int.__rsub__(self, other))

    def __mul__(self, other):
        return Watched.note(int.__mul__(self, other))

    def __rmul__(self, other):
        return Watched.note(int.__rmul__(self, other))

    def __neg__(self):
        return Watched.note(int.__neg__(self))

    def __lshift__(self, other):
        return Watched.note(int.__lshift__(self, other))

    def __rlshift__(self, other):
        return Watched.note(int.__rlshift__(self, other))

    def __rshift__(self, other):
        return Watched.note(int.__rshift__(self, other))

    def __floordiv__(self, other):
        return Watched.note(int.__floordiv__(self, other))

    def __rfloordiv__(self, other):
        return Watched.note(int.__rfloordiv__(self, other))

    @classmethod
    def report(cls):
        """(line, bits, whether it fits a signed word of 64 bits), the widest first."""
        bits = {}
        for (line, sign), magnitude in cls.peaks.items():
            needed = magnitude.bit_length() if sign > 0 else (magnitude - 1).bit_length()
            bits[line] = max(bits.get(line, 0), needed + 1)
        return sorted(((line, width, width <= 64) for line, width in bits.items()), key=lambda r: -r[1])


class Switches:
    """Settings for the whole process."""

    number = int  # Watched with --ranges


# MARK: Numbers


def top(x):
    """The least E with |x| < 2^E; None for zero."""
    if not x:
        return None
    n, d = abs(x.numerator), x.denominator
    e = n.bit_length() - d.bit_length()
    below = n < d << e if e >= 0 else n << -e < d
    return e if below else e + 1


def low_slack(x, k):
    """⌊x·2^k⌋, and whether x·2^k is not an integer, as 0 or 1."""
    n, d = x.numerator, x.denominator
    if k >= 0:
        n <<= k
    else:
        d <<= -k
    low, rest = divmod(n, d)
    if abs(low) >= 1 << 62:
        raise NoProof
    return low, 1 if rest else 0


def most(x, k):
    low, slack = low_slack(x, k)
    return max(-low, low + slack)


def power(x, e):
    """x·2^e."""
    return x * (1 << e) if e >= 0 else x / (1 << -e)


def ceiling(x, k):
    low, slack = low_slack(x, k)
    if abs(low + slack) >= 1 << 62:
        raise NoProof
    return low + slack


def scale_of(weights, bias, uppers):
    """The s of step 2: Σ|weightᵢ|·Hᵢ·2⁻³⁰ + |bias| < 1/2 once all are multiplied by 2^s."""
    tops = [top(x) for x in weights if x]
    if bias:
        tops.append(top(bias))
    if not tops:
        return 0
    e = max(tops)
    number = Switches.number
    total = number(most(bias, 30 - e)) * ONE if bias else 0
    for weight, upper in zip(weights, uppers):
        if weight:
            total += number(most(weight, 30 - e)) * upper
    return -(e - 60 + total.bit_length()) - 1 if total else 0


def quotient_parts(d):
    """(bits − 1, M) of Q(·, d)."""
    bits = d.bit_length()
    return bits - 1, (1 << 54) // (d << 32 - bits)


def quotient(a, d):
    """Q(a, d), nearly a / d."""
    shift, m = quotient_parts(d)
    q = (a >> 23) * m >> shift
    return max(-SLOPE, min(SLOPE, q))


# MARK: Texts


def _integer(text):
    if len(text) > LARGEST_TEXT or not re.fullmatch(r"-?(0|[1-9][0-9]*)", text) or text == "-0":
        raise Unreadable(f"not an integer: {text[:40]!r}")
    try:
        return int(text)
    except ValueError as error:  # longer than the interpreter's limit
        raise Unreadable(str(error)) from None


def _count(text):
    value = _integer(text)
    if not 0 <= value <= 1 << 24:
        raise Unreadable(f"not a count: {text[:40]!r}")
    return value


def _rational(text):
    if "/" not in text:
        return Fraction(_integer(text))
    numerator, denominator = text.split("/", 1)
    n, d = _integer(numerator), _integer(denominator)
    if d <= 1 or math.gcd(n, d) != 1:
        raise Unreadable(f"not a rational in lowest terms: {text[:40]!r}")
    return Fraction(n, d)


def _lines(text, what):
    if isinstance(text, (bytes, bytearray, memoryview)):
        try:
            text = bytes(text).decode("ascii")
        except UnicodeDecodeError:
            raise Unreadable(f"{what}: not ASCII") from None
    if not text.endswith("\n"):
        raise Unreadable(f"{what}: no line feed at the end")
    return text[:-1].split("\n")


class Network:
    """layers: (inputs, outputs, rows of (mantissa, exponent), biases). A ReLU follows each layer but the last."""

    def __init__(self, text):
        lines = iter(_lines(text, "network"))

        def numbers(count):
            fields = next(lines, "").split(" ")
            if len(fields) != count:
                raise Unreadable("network: a line is missing or has other fields")
            return fields

        if numbers(1) != ["vpals-network/v1"]:
            raise Unreadable("network: not vpals-network/v1")
        inputs, count = (_count(f) for f in numbers(2))
        if not inputs or not count:
            raise Unreadable("network: no inputs or no layers")

        def dyadic():
            mantissa, exponent = (_integer(f) for f in numbers(2))
            if abs(exponent) > LARGEST_EXPONENT or not (mantissa & 1 or mantissa == exponent == 0):
                raise Unreadable("network: not a dyadic number in canonical form")
            return mantissa, exponent

        self.layers = []
        self.input_count = inputs
        for _ in range(count):
            n, m = (_count(f) for f in numbers(2))
            if n != inputs or not m:
                raise Unreadable("network: layers do not fit together")
            rows = [[dyadic() for _ in range(n)] for _ in range(m)]
            self.layers.append((n, m, rows, [dyadic() for _ in range(m)]))
            inputs = m
        if next(lines, None) is not None:
            raise Unreadable("network: something follows the last layer")
        self.output_count = inputs

    def exact(self):
        """Per layer: rows and biases as fractions."""
        for _, _, rows, biases in self.layers:
            yield [[power(Fraction(m), e) for m, e in row] for row in rows], [power(Fraction(m), e) for m, e in biases]


class Query:
    """A box and a claim; kind is "monotone" or "nonnegative"."""

    def __init__(self, text=None):
        self.region = []
        # Rows (coefficients, constant) that are not negative on the domain. vpals-query/v1 has none.
        self.constraints = []
        self.kind = "nonnegative"
        self.output = self.feature = 0
        self.sign = 1
        self.slope = Fraction(0)
        self.outputs = []
        self.constant = Fraction(0)
        if text is not None:
            self._read(_lines(text, "query"))

    def _read(self, lines):
        header = lines[0].split(" ")
        if len(header) != 2 or header[0] != "vpals-query/v1":
            raise Unreadable("query: not vpals-query/v1")
        count = _count(header[1])
        if len(lines) != count + 2:
            raise Unreadable("query: wrong number of lines")
        for line in lines[1:-1]:
            ends = line.split(" ")
            if len(ends) != 2:
                raise Unreadable("query: an interval has two ends")
            lower, upper = (_rational(e) for e in ends)
            if lower > upper:
                raise Unreadable("query: an interval is empty")
            self.region.append((lower, upper))
        words = lines[-1].split(" ")
        if words[0] == "monotone":
            if len(words) != 8 or [words[1], words[3], words[6]] != ["output", "feature", "slope"]:
                raise Unreadable("query: not a claim")
            self.kind = "monotone"
            self.output, self.feature = _count(words[2]), _count(words[4])
            if words[5] not in ("nondecreasing", "nonincreasing"):
                raise Unreadable("query: not a direction")
            self.sign = 1 if words[5] == "nondecreasing" else -1
            self.slope = _rational(words[7])
        elif words[:2] == ["nonnegative", "outputs"] and len(words) >= 4 and words[-2] == "constant":
            self.outputs = [_rational(w) for w in words[2:-2]]
            self.constant = _rational(words[-1])
        else:
            raise Unreadable("query: not a claim")

    @property
    def monotone(self):
        return self.kind == "monotone"


# MARK: The problem in integers


class Layer:
    """A rounded layer: weight j, i is between low[j][i] and high[j][i] in 2^−p, a bias in 2^−30."""

    def __init__(self, rows, biases):
        """Step 3."""
        for p in range(30, 15, -1):
            parts = [[low_slack(x, p) for x in row] for row in rows]
            columns = [0] * (len(rows[0]) if rows else 0)
            fits = True
            for row in parts:
                for i, (low, slack) in enumerate(row):
                    m = max(-low, low + slack)
                    columns[i] += m
                    if m >= ONE:
                        fits = False
            if fits and all(c < 1 << 31 for c in columns):
                break
        else:
            raise NoProof
        number = Switches.number
        self.p = p
        self.low = [[number(low) for low, _ in row] for row in parts]
        self.high = [[number(low + slack) for low, slack in row] for row in parts]
        ends = [low_slack(b, 30) for b in biases]
        self.bias_low = [number(low) for low, _ in ends]
        self.bias_high = [number(low + slack) for low, slack in ends]
        if any(abs(b) >= ONE for b in self.bias_low + self.bias_high):
            raise NoProof
        self.outputs = len(rows)

    def uppers(self, below):
        """Step 4."""
        result = []
        for high, bias in zip(self.high, self.bias_high):
            total = (bias << self.p) + sum(b * h for b, h in zip(high, below) if b > 0)
            result.append(max(0, -(-total >> self.p)))
        return result

    def prepare_intervals(self, derivatives):
        """Rows for `zl`, `zh` against lo + hi, and for `dl`, `dh` against yl⁺ + yl⁻ + yh⁺ + yh⁻."""
        zero = 0
        self.zl, self.zh, self.dl, self.dh = [], [], [], []
        for a, b in zip(self.low, self.high):
            self.zl.append([x if x >= 0 else zero for x in a] + [x if x < 0 else zero for x in a])
            self.zh.append([x if x < 0 else zero for x in b] + [x if x >= 0 else zero for x in b])
            if derivatives:
                # a and b have one sign (b may be zero above a negative a): the extreme is at one end of y.
                self.dl.append(
                    [x if x >= 0 else zero for x in a] + [y if x >= 0 else zero for x, y in zip(a, b)]
                    + [x if x < 0 else zero for x in a] + [y if x < 0 else zero for x, y in zip(a, b)])
                self.dh.append(
                    [y if x < 0 else zero for x, y in zip(a, b)] + [x if x < 0 else zero for x in a]
                    + [y if x >= 0 else zero for x, y in zip(a, b)] + [x if x >= 0 else zero for x in a])
        self.zl_start = [b << self.p for b in self.bias_low]
        self.zh_start = [b << self.p for b in self.bias_high]

    def prepare_targets(self, derivatives):
        """The first coefficients of T(±1, 0) and T(0, ±1): they do not depend on the cell."""
        p = self.p
        self.value_targets, self.slope_targets = [], []
        for j in range(self.outputs):
            a, b = self.low[j], self.high[j]
            pair = []
            for sign in (1, -1):
                v = sign << 24
                start = v * (self.bias_low[j] if v >= 0 else self.bias_high[j]) >> 14
                pair.append((start, shifted([v * w for w in (a if v >= 0 else b)], p)))
            self.value_targets.append(tuple(pair))
            if derivatives:
                self.slope_targets.append((slope_sums(1 << 24, a, b, p), slope_sums(-1 << 24, a, b, p)))


def shifted(sums, p):
    """Coefficients, or None if one is out of range."""
    h = [s >> p for s in sums]
    if h and (max(h) > COEFFICIENT or min(h) < -COEFFICIENT):
        return None
    return h


def slope_sums(d, a, b, p):
    """(floors, ceilings, rests, whether all of them are in range) of one neuron's row."""
    lows, highs = ([d * w for w in a], [d * w for w in b]) if d >= 0 else ([d * w for w in b], [d * w for w in a])
    floors = [s >> p for s in lows]
    ceilings = [-(-s >> p) for s in highs]
    rests = [rest_of(high, y, p) for high, y in zip(highs, floors)]
    return floors, ceilings, rests, all(abs(y) <= COEFFICIENT for y in floors + ceilings)


def rest_of(high, y, p):
    return high - (y << p) + (1 << p - 16) - 1 >> p - 16


class Problem:
    """The fixed-point problem of one query; raises NoProof if there is none."""

    def __init__(self, network, query):
        number = Switches.number
        self.network, self.query = network, query
        self.monotone = query.monotone
        n = network.input_count
        if n > LARGEST_LAYER or any(m > LARGEST_LAYER for _, m, _, _ in network.layers):
            raise NoProof
        if len(query.region) != n:
            raise NoProof
        if query.monotone:
            if query.output >= network.output_count or query.feature >= n:
                raise NoProof
        elif len(query.outputs) != network.output_count:
            raise NoProof
        self.inputs = n
        los = [lower for lower, _ in query.region]
        widths = [upper - lower for lower, upper in query.region]
        exact = list(network.exact())

        self.layers = []
        uppers, scales = [ONE] * n, [0] * n
        first_slopes = []

        def relative(row, bias, first):
            """Step 1."""
            if first:
                return [w * width for w, width in zip(row, widths)], bias + sum(w * lo for w, lo in zip(row, los))
            return [power(w, -s) if h else Fraction(0) for w, s, h in zip(row, scales, uppers)], bias

        for level, (rows, biases) in enumerate(exact[:-1]):
            scaled_rows, scaled_biases, next_scales = [], [], []
            for row, bias in zip(rows, biases):
                row, bias = relative(row, bias, level == 0)
                s = scale_of(row, bias, uppers)
                next_scales.append(s)
                scaled_rows.append([power(w, s) for w in row])
                scaled_biases.append(power(bias, s))
            if level == 0 and query.monotone:
                first_slopes = [row[query.feature] for row in scaled_rows]
            layer = Layer(scaled_rows, scaled_biases)
            uppers, scales = layer.uppers(uppers), next_scales
            self.layers.append(layer)

        rows, biases = exact[-1]
        without_layers = not self.layers
        self.slope_low, self.slope_high = [], []
        if query.monotone:
            row, _ = relative(rows[query.output], Fraction(0), without_layers)
            row = [query.sign * w for w in row]
            e = max((top(w) for w in row if w), default=0)
            row = [power(w, -e) for w in row]
            if without_layers:
                first_slopes = [row[query.feature]]
            excess = self._excess(first_slopes)
            for a in first_slopes:
                low, slack = low_slack(power(a, -excess), 30)
                self.slope_low.append(number(low))
                self.slope_high.append(number(low + slack))
            self.row = Layer([row], [Fraction(0)])
            target = query.slope * widths[query.feature]
            self.threshold = number(ceiling(power(target, -e - excess), 40))
        else:
            row = [sum((v * w[i] for v, w in zip(query.outputs, rows)), Fraction(0)) for i in range(len(rows[0]))]
            bias = query.constant + sum(v * b for v, b in zip(query.outputs, biases))
            row, bias = relative(row, bias, without_layers)
            s = scale_of(row, bias, uppers)
            self.row = Layer([[power(w, s) for w in row]], [power(bias, s)])
            self.threshold = number(0)

        # Constraints: (low, high, biasLow, biasHigh), with the first layer's shift.
        self.constraints = []
        first = self.layers[0] if self.layers else self.row
        for coefficients, constant in query.constraints:
            row, bias = relative(coefficients, constant, True)
            e = max((top(x) for x in row + [bias] if x), default=0)
            ends = [low_slack(power(w, -e), first.p) for w in row]
            low, slack = low_slack(power(bias, -e), 30)
            self.constraints.append((
                [number(a) for a, _ in ends], [number(a + s) for a, s in ends], number(low), number(low + slack)))

        self.offsets = [0]
        for layer in self.layers:
            self.offsets.append(self.offsets[-1] + layer.outputs)
        self.neurons = self.offsets[-1]
        self.level_of = [level for level, layer in enumerate(self.layers) for _ in range(layer.outputs)]
        self._prepare()

    def _excess(self, first_slopes):
        """e: how far the derivatives are scaled down to stay below 2^29."""
        reach = [Switches.number(most(a, 30)) for a in first_slopes]
        greatest = max(reach, default=0)
        all_reaches = [reach]
        for layer in self.layers[1:]:
            reach = [
                (sum(max(-a, b) * r for a, b, r in zip(low, high, reach)) >> layer.p) + 1
                for low, high in zip(layer.low, layer.high)]
            greatest = max(greatest, max(reach, default=0))
            all_reaches.append(reach)
        excess = max(0, greatest.bit_length() - 29)
        if excess >= 30:
            raise NoProof
        if self.layers:
            self.reaches = [[-(-r >> excess) for r in reaches] for reaches in all_reaches]
        return excess

    def _prepare(self):
        number = Switches.number
        for level, layer in enumerate(self.layers):
            layer.prepare_intervals(self.monotone and level > 0)
            if level:
                layer.prepare_targets(self.monotone)
        # Bounds that hold everywhere.
        self.known = []
        for level, layer in enumerate(self.layers):
            reach = self.reaches[level] if self.monotone else [number(0)] * layer.outputs
            self.known.append(
                ([number(-ONE)] * layer.outputs, [number(ONE)] * layer.outputs, [-r for r in reach], list(reach)))
        lower, upper = [number(0)] * self.inputs, [number(ONE)] * self.inputs
        for low, high, bias_low, bias_high in self.constraints:
            lower, upper = tighten(low, high, bias_low, bias_high, first_shift(self), 1, lower, upper)
        self.root = lower, upper
        # The claim's first sums.
        v = 1 << 24
        a, b = self.row.low[0], self.row.high[0]
        if self.monotone:
            self.claim_start = 0
            self.claim_sums = [0] * len(a), [v * w for w in a], [v * w for w in b]
            if not self.layers:
                self.claim_start = v * self.slope_low[0] >> 14
        else:
            self.claim_start = v * self.row.bias_low[0] >> 14
            self.claim_sums = [v * w for w in a], None, None
        self.exact_layers = None

    def integer_layers(self):
        """Per layer: (exponent, rows, biases), integers times 2^exponent."""
        if self.exact_layers is None:
            self.exact_layers = []
            for _, _, rows, biases in self.network.layers:
                e = min((e for row in rows + [biases] for m, e in row if m), default=0)
                shift = lambda row: [m << x - e if m else 0 for m, x in row]  # noqa: E731
                self.exact_layers.append((e, [shift(row) for row in rows], shift(biases)))
        return self.exact_layers


def first_shift(problem):
    return problem.layers[0].p if problem.layers else problem.row.p


def tighten(low, high, bias_low, bias_high, p, sign, lower, upper):
    """The box where sign·row ≥ 0 may hold."""
    a = high if sign > 0 else [-w for w in low]
    m = (bias_high if sign > 0 else -bias_low) << p
    for w, l, u in zip(a, lower, upper):
        m += w * (u if w > 0 else l)
    if m < 0:
        return lower, upper
    new_lower, new_upper = lower[:], upper[:]
    for i, w in enumerate(a):
        if w > 0:
            new_lower[i] = max(lower[i], upper[i] - m // w - 1)
        elif w < 0:
            new_upper[i] = min(upper[i], lower[i] + m // -w + 1)
    return new_lower, new_upper


# MARK: Bounds


class Multipliers:
    """Half bytes per neuron, as indices of HALF_BYTES, and β per neuron and constraint."""

    __slots__ = ("alpha", "kappa", "omega", "active", "slope", "beta", "constraints")

    def __init__(self, neurons):
        self.alpha = bytearray(neurons)
        self.kappa = bytearray(neurons)
        self.omega = bytearray(b"\x0f" * neurons)
        self.active = bytearray(b"\x10" * neurons)
        self.slope = bytearray(b"\x10" * neurons)
        self.beta = {}
        self.constraints = []


class Bounds:
    """What the evaluation of a cell found, layer by layer."""

    __slots__ = ("lower", "upper", "z_low", "z_high", "d_low", "d_high", "on", "bent", "y_low", "y_high",
                 "ceilings", "mixed")

    def __init__(self, lower, upper):
        self.lower, self.upper = lower, upper
        self.z_low, self.z_high, self.d_low, self.d_high = [], [], [], []
        self.on = []  # per layer: neurons that are on
        self.bent = []  # per layer: unstable neurons with all that a relaxation needs
        self.y_low, self.y_high = [], []
        self.ceilings = []  # per layer: neurons whose coefficient is rounded up
        self.mixed = []  # per layer: (neuron, −yLow) whose derivative has no sign


def bound_layers(problem, lower, upper, premises, known, intervals=False):
    """Bounds of every neuron, or None if the cell is empty. `intervals`: without backward passes."""
    bounds = Bounds(lower, upper)
    monotone = problem.monotone
    offset = 0
    vector = lower + upper
    slopes = None
    for level, layer in enumerate(problem.layers):
        p = layer.p
        known_zl, known_zh, known_dl, known_dh = known[level]
        zl = [max(k, sum(map(mul, row, vector), s) >> p) for k, row, s in zip(known_zl, layer.zl, layer.zl_start)]
        zh = [min(k, -(-sum(map(mul, row, vector), s) >> p)) for k, row, s in zip(known_zh, layer.zh, layer.zh_start)]
        if monotone:
            if level == 0:
                dl = [max(k, s) for k, s in zip(known_dl, problem.slope_low)]
                dh = [min(k, s) for k, s in zip(known_dh, problem.slope_high)]
            else:
                dl = [max(k, sum(map(mul, row, slopes)) >> p) for k, row in zip(known_dl, layer.dl)]
                dh = [min(k, -(-sum(map(mul, row, slopes)) >> p)) for k, row in zip(known_dh, layer.dh)]
        else:
            dl, dh = known_dl, known_dh

        on, bent, ceilings, mixed = [], [], [], []
        h_low, h_high, y_low, y_high = [], [], [], []
        for j in range(layer.outputs):
            q = premises[offset + j]
            l, u = zl[j], zh[j]
            if level and not intervals and (q or l < 0 < u):
                plus, minus = layer.value_targets[j]
                if q >= 0:
                    u = min(u, -value_target(problem, bounds, level - 1, minus))
                if q <= 0:
                    l = max(l, value_target(problem, bounds, level - 1, plus))
            if q > 0:
                if u < 0:
                    return None
                l = max(l, 0)
            elif q < 0:
                if l > 0:
                    return None
                u = min(u, 0)
            if l > u:
                return None
            zl[j], zh[j] = l, u
            if l < 0 < u:
                if monotone:
                    if level and not intervals:
                        plus, minus = layer.slope_targets[j]
                        dl[j] = max(dl[j], slope_target(problem, bounds, level - 1, plus, layer, j, 1))
                        dh[j] = min(dh[j], -slope_target(problem, bounds, level - 1, minus, layer, j, -1))
                    if dl[j] > dh[j]:
                        return None
                    bent.append(bend(j, l, u, dl[j], dh[j]))
                    y_low.append(min(dl[j], 0))
                    y_high.append(max(dh[j], 0))
                else:
                    bent.append((j, l, u, u > -l, (u << 30) // (u - l)))
                h_low.append(0)
                h_high.append(u)
            elif l >= 0:
                on.append(j)
                h_low.append(l)
                h_high.append(max(u, 0))
                if monotone:
                    y_low.append(dl[j])
                    y_high.append(dh[j])
            else:
                h_low.append(0)
                h_high.append(0)
                if monotone:
                    y_low.append(0)
                    y_high.append(0)
            if monotone and dl[j] > dh[j]:
                return None
            if monotone and y_low[j] < 0:
                if y_high[j] <= 0:
                    ceilings.append(j)
                else:
                    mixed.append((j, -y_low[j]))
        bounds.z_low.append(zl)
        bounds.z_high.append(zh)
        bounds.d_low.append(dl)
        bounds.d_high.append(dh)
        bounds.on.append(on)
        bounds.bent.append(bent)
        bounds.y_low.append(y_low)
        bounds.y_high.append(y_high)
        bounds.ceilings.append(ceilings)
        bounds.mixed.append(mixed)
        vector = h_low + h_high
        if monotone:
            slopes = [y if y > 0 else 0 for y in y_low] + [y if y < 0 else 0 for y in y_low] \
                + [y if y > 0 else 0 for y in y_high] + [y if y < 0 else 0 for y in y_high]
        offset += layer.outputs
    return bounds


def bend(j, l, u, dl, dh):
    """All that relaxations of unstable neuron j need."""
    if dl >= 0:
        rising, falling = 0, 65536
    elif dh <= 0:
        rising, falling = 65536, 0
    else:
        rising, falling = -dl * 65536 // (dh - dl), dh * 65536 // (dh - dl)
    return (j, l, u, u > -l, (u << 30) // (u - l), dl, dh, rising, falling,
            *quotient_parts(u - l), *quotient_parts(-l), *quotient_parts(u))


def relax_slope(h, r0, r1, l, u, alpha, chord_shift, chord_m, left_shift, left_m, right_shift, right_m):
    """(p, what is added to the constant before its shift) of an unstable neuron with a monotone target."""
    end = r1 + h * u
    rise = end - r0
    chord = (rise >> 23) * chord_m >> chord_shift
    if chord > SLOPE:
        chord = SLOPE
    elif chord < -SLOPE:
        chord = -SLOPE
    worst = r0 if r0 < r1 else r1
    if worst < r0 - chord * l:
        left = (r0 - worst >> 23) * left_m >> left_shift  # not negative
        left = -left if left <= SLOPE else -SLOPE
        right = (end - worst >> 23) * right_m >> right_shift
        if right > SLOPE:
            right = SLOPE
        elif right < -SLOPE:
            right = -SLOPE
        p = left + ((right - left) * alpha >> 16)
        if p > SLOPE:
            p = SLOPE
        elif p < -SLOPE:
            p = -SLOPE
    else:
        p = chord
    return p, min(r0 - p * l, worst, r1 + (h - p) * u)


def relax_value(h, l, u, alpha, ratio):
    """(p, what is added to the constant before its shift) of an unstable neuron with a value target."""
    p = h * alpha >> 16 if h >= 0 else h * ratio >> 30
    return p, min(-p * l, (h - p) * u, 0)


def at_inputs(coefficients, constant, bounds):
    for a, l, u in zip(coefficients, bounds.lower, bounds.upper):
        if a > 0:
            constant += a * l >> 14
        elif a < 0:
            constant += a * u >> 14
    return constant


def clamped(constant):
    return max(-ONE, min(ONE, constant >> 10))


def value_target(problem, bounds, level, start):
    """T(±1, 0) of a neuron above `level`."""
    constant, h = start
    if h is None:
        return -ONE
    while True:
        layer = problem.layers[level]
        low, high, bias_low, bias_high = layer.low, layer.high, layer.bias_low, layer.bias_high
        zs, rows = [], []
        for i in bounds.on[level]:
            c = h[i]
            if c > 0:
                zs.append(c)
                rows.append(low[i])
                constant += c * bias_low[i] >> 14
            elif c < 0:
                zs.append(c)
                rows.append(high[i])
                constant += c * bias_high[i] >> 14
        for unstable in bounds.bent[level]:
            i = unstable[0]
            c = h[i]
            if c > 0:
                if unstable[3]:  # α = 1, nothing to add; with α = 0 nothing at all
                    zs.append(c)
                    rows.append(low[i])
                    constant += c * bias_low[i] >> 14
            elif c < 0:
                _, l, u, _, ratio = unstable[:5]
                z = c * ratio >> 30
                if z:
                    zs.append(z)
                    rows.append(high[i])
                    constant += z * bias_high[i] >> 14
                constant += min(-z * l, (c - z) * u, 0) >> 14
        if not zs:
            return clamped(constant)
        h = shifted([sum(map(mul, zs, column)) for column in zip(*rows)], layer.p)
        if h is None:
            return -ONE
        if level == 0:
            return clamped(at_inputs(h, constant, bounds))
        level -= 1


def slope_target(problem, bounds, level, start, above, j, sign):
    """T(0, sign) of neuron j of the layer `above` `level`."""
    floors, ceilings, rests, safe = start
    constant = 0
    y = floors[:]
    for i in bounds.ceilings[level]:
        y[i] = ceilings[i]
    if not safe and (max(y) > COEFFICIENT or min(y) < -COEFFICIENT):
        return -ONE
    for i, depth in bounds.mixed[level]:
        rest = rests[i]
        if not 0 <= rest < ONE:
            return -ONE
        constant -= rest * depth + BELOW_ONE >> 30
    h = [0] * len(y)
    while True:
        layer = problem.layers[level]
        low, high, bias_low, bias_high = layer.low, layer.high, layer.bias_low, layer.bias_high
        zs, rows, ds, low_rows, high_rows = [], [], [], [], []
        for i in bounds.on[level]:
            z, d = h[i], y[i]
            if z > 0:
                zs.append(z)
                rows.append(low[i])
                constant += z * bias_low[i] >> 14
            elif z < 0:
                zs.append(z)
                rows.append(high[i])
                constant += z * bias_high[i] >> 14
            if d:
                if level == 0:
                    constant += d * (problem.slope_low[i] if d >= 0 else problem.slope_high[i]) >> 14
                else:
                    ds.append(d)
                    low_rows.append(low[i] if d >= 0 else high[i])
                    high_rows.append(high[i] if d >= 0 else low[i])
        for (i, l, u, up, _, dl, dh, rising, falling,
             chord_shift, chord_m, left_shift, left_m, right_shift, right_m) in bounds.bent[level]:
            c, whole = h[i], y[i]
            if not c and not whole:
                continue
            d = whole * (rising if whole >= 0 else falling) >> 16
            k = whole - d
            r0 = -d * (dh if d > 0 else dl)
            r1 = k * (dl if k > 0 else dh)
            z, charge = relax_slope(c, r0, r1, l, u, 65536 if up else 0,
                                    chord_shift, chord_m, left_shift, left_m, right_shift, right_m)
            constant += charge >> 14
            if z > 0:
                zs.append(z)
                rows.append(low[i])
                constant += z * bias_low[i] >> 14
            elif z < 0:
                zs.append(z)
                rows.append(high[i])
                constant += z * bias_high[i] >> 14
            if d:
                if level == 0:
                    constant += d * (problem.slope_low[i] if d >= 0 else problem.slope_high[i]) >> 14
                else:
                    ds.append(d)
                    low_rows.append(low[i] if d >= 0 else high[i])
                    high_rows.append(high[i] if d >= 0 else low[i])
        width = len(low[0])
        p = layer.p
        sums = [sum(map(mul, zs, column)) for column in zip(*rows)] if zs else [0] * width
        h = shifted(sums, p)
        if h is None:
            return -ONE
        if level == 0:
            return clamped(at_inputs(h, constant, bounds))
        sum_low = [sum(map(mul, ds, column)) for column in zip(*low_rows)] if ds else [0] * width
        sum_high = [sum(map(mul, ds, column)) for column in zip(*high_rows)] if ds else [0] * width
        level -= 1
        result = slope_coefficients(bounds, level, sum_low, sum_high, p)
        if result is None:
            return -ONE
        y, charge = result
        constant -= charge


def slope_coefficients(bounds, level, sum_low, sum_high, p):
    """(y, what the constant loses) at a layer below, or None if a number is out of range."""
    y = [s >> p for s in sum_low]
    for i in bounds.ceilings[level]:
        y[i] = -(-sum_high[i] >> p)
    if y and (max(y) > COEFFICIENT or min(y) < -COEFFICIENT):
        return None
    charge = 0
    for i, depth in bounds.mixed[level]:
        rest = rest_of(sum_high[i], y[i], p)
        if not 0 <= rest < ONE:
            return None
        charge += rest * depth + BELOW_ONE >> 30
    return y, charge


def claim_pass(problem, bounds, premises, given):
    """(bound, form) of the claim, or None if a number is out of range. `given`: multipliers, or None."""
    constant = problem.claim_start
    sum_h, sum_low, sum_high = problem.claim_sums
    p = problem.row.p
    monotone = problem.monotone
    for level in range(len(problem.layers) - 1, -1, -1):
        layer = problem.layers[level]
        offset = problem.offsets[level]
        low, high = layer.low, layer.high
        below = len(low[0])
        h = shifted(sum_h, p)
        if h is None:
            return None
        z = [0] * layer.outputs
        edge_low, edge_high = [0] * below, [0] * below
        if monotone:
            result = slope_coefficients(bounds, level, sum_low, sum_high, p)
            if result is None:
                return None
            y, charge = result
            constant -= charge
            d = [0] * layer.outputs
            for i in bounds.on[level]:
                z[i], d[i] = h[i], y[i]
            for (i, l, u, up, _, dl, dh, rising, falling, *parts) in bounds.bent[level]:
                whole = y[i]
                if given is None:
                    alpha = 65536 if up else 0
                    kappa = rising if whole >= 0 else falling
                else:
                    alpha = HALF_BYTES[given.alpha[offset + i]]
                    kappa = HALF_BYTES[given.kappa[offset + i]]
                    if level:
                        whole = whole * HALF_BYTES[given.omega[offset + i]] >> 16
                m = whole * kappa >> 16
                k = whole - m
                r0 = min(-m * dl, -m * dh)
                r1 = min(k * dl, k * dh)
                f = y[i] - whole
                if f:
                    result = edges(problem, bounds, level, i, f, given, edge_low, edge_high)
                    if result is None:
                        return None
                    r0 -= result[0]
                    r1 += result[1]
                z[i], charge = relax_slope(h[i], r0, r1, l, u, alpha, *parts)
                d[i] = m
                constant += charge >> 14
        else:
            for i in bounds.on[level]:
                z[i] = h[i]
            for i, l, u, up, ratio in bounds.bent[level]:
                alpha = HALF_BYTES[given.alpha[offset + i]] if given else 65536 if up else 0
                z[i], charge = relax_value(h[i], l, u, alpha, ratio)
                constant += charge >> 14
        if given and given.beta:
            for i in range(layer.outputs):
                beta = given.beta.get(offset + i)
                if beta:
                    z[i] = z[i] - premises[offset + i] * beta
                    if not -SLOPE <= z[i] <= SLOPE:
                        return None
        p = layer.p
        zs, rows = [], []
        for i, c in enumerate(z):
            if c:
                zs.append(c)
                rows.append(low[i] if c > 0 else high[i])
                constant += c * (layer.bias_low[i] if c > 0 else layer.bias_high[i]) >> 14
        sum_h = [sum(map(mul, zs, column)) for column in zip(*rows)] if zs else [0] * below
        if monotone:
            if level == 0:
                for i, c in enumerate(d):
                    if c:
                        constant += c * (problem.slope_low[i] if c > 0 else problem.slope_high[i]) >> 14
            else:
                ds = [c for c in d if c]
                if ds:
                    low_rows = [low[i] if c > 0 else high[i] for i, c in enumerate(d) if c]
                    high_rows = [high[i] if c > 0 else low[i] for i, c in enumerate(d) if c]
                    edge_low = [sum(map(mul, ds, column), s) for s, column in zip(edge_low, zip(*low_rows))]
                    edge_high = [sum(map(mul, ds, column), s) for s, column in zip(edge_high, zip(*high_rows))]
                sum_low, sum_high = edge_low, edge_high
    if given and problem.constraints:
        sum_h = sum_h[:]
        for (_, high, _, bias_high), beta in zip(problem.constraints, given.constraints):
            if beta:
                for i, w in enumerate(high):
                    sum_h[i] -= beta * w
                    if not -SUM <= sum_h[i] <= SUM:
                        return None
                constant -= -(-beta * bias_high >> 14)
    form = shifted(sum_h, p)
    if form is None:
        return None
    return at_inputs(form, constant, bounds), form


def edges(problem, bounds, level, neuron, f, given, edge_low, edge_high):
    """Per-edge relaxation of f times a neuron's derivative: (what r0 loses, what r1 gains), or None (out of range)."""
    layer = problem.layers[level]
    p = layer.p
    active = 65536 - HALF_BYTES[given.active[problem.offsets[level] + neuron]]
    slopes = given.slope
    offset = problem.offsets[level - 1]
    passed, kept = 0, 0
    for i, (a, b, yl, yh) in enumerate(
            zip(layer.low[neuron], layer.high[neuron], bounds.y_low[level - 1], bounds.y_high[level - 1])):
        if f >= 0:
            below, above = f * a, f * b
        else:
            below, above = f * b, f * a
        a0 = below >> p
        a1 = -(-above >> p)
        if not (-SLOPE <= a0 <= SLOPE and -SLOPE <= a1 <= SLOPE):
            return None
        if not yl and not yh:
            continue
        ends = a0 * yl, a0 * yh, a1 * yl, a1 * yh
        greatest, least = max(ends), min(ends)
        at = yl + ((yh - yl) * HALF_BYTES[slopes[offset + i]] >> 16)
        if a0 * at > least + (greatest - least >> 16) * active:
            passed += greatest
            edge_low[i] += below
            edge_high[i] += above
        else:
            kept += least
    return passed, kept


# MARK: Exact leaves


def affine_piece(problem, phases, outputs, listed):
    """Σ outputs[k]·f_k + Σ m·2^e·z_g for (g, m, e) in `listed`, as (coefficients, constant) over the inputs."""
    layers = problem.integer_layers()
    e = 0
    constants = []  # (number, exponent)
    values = outputs or [0] * problem.network.output_count
    by_level = {}
    for g, m, exponent in listed:
        level = problem.level_of[g]
        by_level.setdefault(level, []).append((g - problem.offsets[level], m, exponent))
    for level in range(len(layers) - 1, -1, -1):
        if level < len(problem.layers):
            offset = problem.offsets[level]
            values = [v if phases[offset + i] else 0 for i, v in enumerate(values)]
            for i, m, exponent in by_level.get(level, ()):
                if exponent < e:
                    values = [v << e - exponent for v in values]
                    e = exponent
                values[i] += m << exponent - e
        exponent, rows, biases = layers[level]
        pairs = [(v, row) for v, row in zip(values, rows) if v]
        constants.append((sum(v * b for v, b in zip(values, biases) if v), e + exponent))
        vs = [v for v, _ in pairs]
        values = [sum(map(mul, vs, column)) for column in zip(*(row for _, row in pairs))] if pairs \
            else [0] * len(rows[0])
        e += exponent
    constant = sum((power(Fraction(c), x) for c, x in constants if c), Fraction(0))
    return [power(Fraction(v), e) if v else Fraction(0) for v in values], constant


def extreme(coefficients, constant, region, lower, upper, sign):
    """The greatest (sign 1) or least (−1) value of a form over a box in 2⁻³⁰ of the region."""
    total = constant
    for c, (lo, hi), l, u in zip(coefficients, region, lower, upper):
        if c:
            total += c * (lo + (hi - lo) * Fraction(int(u if sign * c > 0 else l), ONE))
    return total


def is_zero(coefficients, constant, region):
    """Whether a form is zero on the whole region."""
    total = constant
    for c, (lo, hi) in zip(coefficients, region):
        if c:
            if lo != hi:
                return False
            total += c * lo
    return not total


def check_piece(problem, lower, upper, premises, known, claim, listed):
    """An exact leaf. `listed`: (neuron, mantissa, exponent)."""
    bounds = bound_layers(problem, lower, upper, premises, known)
    if bounds is None:
        return
    if claim_pass(problem, bounds, premises, None) is None:
        raise Refused("out-of-range")
    query = problem.query
    phases = []
    for level, layer in enumerate(problem.layers):
        offset = problem.offsets[level]
        on = set(bounds.on[level])
        unstable = {b[0] for b in bounds.bent[level]}
        for i in range(layer.outputs):
            q = premises[offset + i]
            if not q and i in unstable:
                raise Refused("phase-open")
            phases.append(q > 0 if q else i in on)
    if any(not premises[g] for g, _, _ in listed):
        raise Refused("not-refuted")
    signed = [(g, m * premises[g], e) for g, m, e in listed]
    if query.monotone:
        outputs = [0] * problem.network.output_count
        outputs[query.output] = query.sign
        coefficients, _ = affine_piece(problem, phases, outputs, [])
        if coefficients[query.feature] >= query.slope:
            return
        form, constant = affine_piece(problem, phases, None, signed)
        greatest = extreme(form, constant, query.region, lower, upper, 1)
        if greatest < 0:
            return
        if greatest == 0:
            for one in signed:
                if not is_zero(*affine_piece(problem, phases, None, [one]), query.region):
                    return
    else:
        factor = math.lcm(1, *(v.denominator for v in query.outputs))
        outputs = [int(v * factor) * claim for v in query.outputs]
        form, constant = affine_piece(problem, phases, outputs, [(g, -m * factor, e) for g, m, e in signed])
        if extreme(form, constant + query.constant * factor * claim, query.region, lower, upper, -1) >= 0:
            return
    raise Refused("not-refuted")


# MARK: Reading


class Reader:
    def __init__(self, data):
        self.data, self.position = data, 0

    def byte(self):
        if self.position >= len(self.data):
            raise Refused("truncated")
        value = self.data[self.position]
        self.position += 1
        return value

    def take(self, count):
        if len(self.data) - self.position < count:
            raise Refused("truncated")
        self.position += count
        return bytes(self.data[self.position - count:self.position])

    def number(self):
        value = shift = 0
        while True:
            byte = self.byte()
            if shift == 63:  # nine bytes hold 63 bits
                raise Refused("not-canonical")
            value |= (byte & 127) << shift
            if byte < 128:
                if not byte and shift:
                    raise Refused("not-canonical")
                return value
            shift += 7


def read_multipliers(reader, problem, premises):
    count = problem.neurons
    flags = reader.take((count + 7) // 8)
    if count % 8 and flags[-1] >> count % 8:
        raise Refused("not-canonical")
    result = Multipliers(count)
    fields = []
    last = len(problem.layers) - 1
    for g in range(count):
        if flags[g >> 3] >> (g & 7) & 1:
            level = problem.level_of[g]
            fields.append((result.alpha, g))
            if problem.monotone and level:
                fields += (result.kappa, g), (result.omega, g), (result.active, g)
            if problem.monotone and level < last:
                fields.append((result.slope, g))
    packed = reader.take((len(fields) + 1) // 2)
    if len(fields) & 1 and packed[-1] >> 4:
        raise Refused("not-canonical")
    for index, (field, g) in enumerate(fields):
        field[g] = packed[index >> 1] >> (index & 1) * 4 & 15
    for g, q in enumerate(premises):
        if q:
            beta = read_beta(reader)
            if beta:
                result.beta[g] = beta
    result.constraints = [read_beta(reader) for _ in problem.constraints]
    return result


def read_beta(reader):
    code = reader.number()
    mantissa, exponent = code >> 5, code & 31
    if code >= 1 << 16 or exponent > 18 or (exponent and mantissa < 1024):
        raise Refused("not-canonical")
    return mantissa << exponent


def read_big(reader):
    """A positive integer: its length in bytes, then the bytes, lowest first."""
    count = reader.number()
    if not 0 < count <= 4096:
        raise Refused("not-canonical")
    data = reader.take(count)
    if not data[-1]:
        raise Refused("not-canonical")
    return int.from_bytes(data, "little")


def read_piece(reader, problem, premises):
    """The claim's multiplier and the multipliers of an exact leaf."""
    claim = 1 if problem.query.monotone else read_big(reader)
    count = reader.number()
    if count > problem.neurons:  # ascending indices of neurons
        raise Refused("not-canonical")
    listed = []
    last = -1
    for _ in range(count):
        g = reader.number()
        if g >= problem.neurons or g <= last:
            raise Refused("not-canonical")
        mantissa, code = read_big(reader), reader.number()
        if not mantissa & 1 or code > 1024:
            raise Refused("not-canonical")
        listed.append((g, mantissa, -(code >> 1) - 1 if code & 1 else code >> 1))
        last = g
    return claim, listed


class Counter:
    """What was seen, for the message; node is the one being read, from 0 in its tree."""

    def __init__(self):
        self.query = self.node = self.nodes = self.leaves = self.pieces = 0


def walk(problem, reader, counter):
    """One tree."""
    lower, upper = problem.root
    premises, multipliers, known, anchors = [0] * problem.neurons, None, problem.known, 0
    waiting = []
    threshold = problem.threshold
    shift = first_shift(problem)
    counter.node = -1
    while True:
        counter.node += 1
        tag = reader.byte()
        counter.nodes += 1
        if tag <= 1 or tag in (6, 8):
            counter.leaves += 1
            if tag == 6:
                counter.pieces += 1
                claim, listed = read_piece(reader, problem, premises)
                check_piece(problem, lower, upper, premises, known, claim, listed)
            else:
                if tag == 1 and multipliers is None:
                    raise Refused("not-canonical")
                bounds = bound_layers(problem, lower, upper, premises, known, intervals=tag == 8)
                if bounds is not None:
                    given = Multipliers(problem.neurons) if tag == 8 else multipliers if tag else None
                    result = claim_pass(problem, bounds, premises, given)
                    if result is None:
                        raise Refused("out-of-range")
                    if result[0] < threshold:
                        raise Refused("bound-too-low")
            if not waiting:
                return
            lower, upper, premises, multipliers, known, anchors = waiting.pop()
        elif tag == 2:
            i = reader.number()
            if i >= problem.inputs or upper[i] - lower[i] < 2:
                raise Refused("input")
            if len(waiting) >= LARGEST_WAIT:
                raise Refused("depth")
            second, first = lower[:], upper[:]
            second[i] = first[i] = lower[i] + upper[i] >> 1
            waiting.append((second, upper, premises, multipliers, known, anchors))
            upper = first
        elif tag == 3:
            g = reader.number()
            if g >= problem.neurons or premises[g]:
                raise Refused("neuron")
            if len(waiting) >= LARGEST_WAIT:
                raise Refused("depth")
            first, second = premises[:], premises[:]
            first[g], second[g] = -1, 1
            boxes = [(lower, upper), (lower, upper)]
            if problem.level_of[g] == 0:
                layer = problem.layers[0]
                row = layer.low[g], layer.high[g], layer.bias_low[g], layer.bias_high[g], shift
                boxes = [tighten(*row, sign, lower, upper) for sign in (-1, 1)]
            waiting.append((*boxes[1], second, multipliers, known, anchors))
            lower, upper = boxes[0]
            premises = first
        elif tag == 4:
            multipliers = read_multipliers(reader, problem, premises)
        elif tag == 5:
            flags = reader.number()
            if not 2 <= flags <= 7 or (flags & 1 and multipliers is None):
                raise Refused("not-canonical")
            if flags & 2:
                anchors += 1
                if anchors > MOST_ANCHORS:
                    raise Refused("depth")
            bounds = bound_layers(problem, lower, upper, premises, known)
            if bounds is not None:
                result = claim_pass(problem, bounds, premises, multipliers if flags & 1 else None)
                if result is None:
                    raise Refused("out-of-range")
                if flags & 2:
                    known = list(zip(bounds.z_low, bounds.z_high, bounds.d_low, bounds.d_high))
                if flags & 4:
                    lower, upper = clip(lower, upper, threshold - result[0], result[1])
        else:
            raise Refused("open" if tag == 7 else "tag")


def clip(lower, upper, shortfall, form):
    if shortfall <= 0:
        return lower, upper
    lower, upper = lower[:], upper[:]
    for i, a in enumerate(form):
        if a:
            w = (shortfall << 14) // abs(a) + 1
            if a > 0:
                upper[i] = min(upper[i], lower[i] + w)
            else:
                lower[i] = max(lower[i], upper[i] - w)
    return lower, upper


# MARK: Checking


class Cache:
    """The last few networks, queries and problems, by digest."""

    def __init__(self, size):
        self.size, self.items = size, OrderedDict()

    def get(self, key, make):
        if key in self.items:
            self.items.move_to_end(key)
            return self.items[key]
        value = self.items[key] = make()
        while len(self.items) > self.size:
            self.items.popitem(last=False)
        return value


_networks, _queries, _problems = Cache(8), Cache(256), Cache(64)


def _digest(text):
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).digest()


def _problem(network, query):
    try:
        return Problem(network, query)
    except NoProof:
        return None


def verify(proof, network_text, query_texts):
    """The outcome; raises Unreadable for texts that are not canonical."""
    network_digest = _digest(network_text)
    network = _networks.get(network_digest, lambda: Network(network_text))
    queries = []
    for text in query_texts:
        digest = _digest(text)
        queries.append((digest, _queries.get(digest, lambda: Query(text))))
    counter = Counter()
    try:
        if len(proof) > LARGEST_FILE or bytes(proof[:len(HEADER)]) != HEADER[:len(proof)]:
            raise Refused("format")
        if len(proof) < len(HEADER):
            raise Refused("truncated")
        reader = Reader(proof)
        reader.position = len(HEADER)
        if reader.take(32) != network_digest:
            raise Refused("network")
        if reader.number() != len(queries):
            raise Refused("query-count")
        for index, (digest, query) in enumerate(queries):
            counter.query, counter.node = index, 0
            if reader.take(32) != digest:
                raise Refused("query")
            key = network_digest, digest, Switches.number
            problem = _problems.get(key, lambda: _problem(network, query))
            if problem is None:
                raise Refused("problem")
            walk(problem, reader, counter)
        if reader.position != len(proof):
            raise Refused("trailing")
    except Refused as refusal:
        return Outcome(False, refusal.rule, counter.query, counter.node, counter.leaves, counter.pieces, counter.nodes)
    return Outcome(True, "", 0, 0, counter.leaves, counter.pieces, counter.nodes)


def check(proof_bytes, network_text, query_texts):
    """(ok, rule, query, node, leaves); rule is empty for a valid proof. Raises Unreadable for other texts."""
    outcome = verify(proof_bytes, network_text, query_texts)
    return outcome.valid, outcome.rule, outcome.query, outcome.node, outcome.leaves


# MARK: Command line


def _read(path, limit=LARGEST_FILE):
    """A file's bytes: one more than the limit if there are more than that."""
    try:
        with open(path, "rb") as file:
            return file.read(limit + 1)
    except (OSError, ValueError, OverflowError) as error:
        raise Unreadable(f"{path}: {error}") from None


def _text(path):
    data = _read(path)
    if len(data) > LARGEST_FILE:
        raise Unreadable(f"{path}: too long")
    return data


def _batch(path):
    """Checks what the lists name; the exit code."""
    lists = [path]
    if os.path.isdir(path):
        lists = sorted(os.path.join(path, name) for name in os.listdir(path) if name.endswith(".jsonl"))
    if not lists:
        raise Unreadable(f"{path}: no *.jsonl")
    worst = 0
    for name in lists:
        folder = os.path.dirname(name)
        for number, line in enumerate(_text(name).split(b"\n"), 1):
            if not line.strip():
                continue
            answer = {}
            try:
                try:
                    job = json.loads(line)
                    proof, network, queries = job["proof"], job["network"], job["queries"]
                    if not all(isinstance(p, str) for p in [proof, network, *queries]) or isinstance(queries, str):
                        raise TypeError("paths are strings")
                except (ValueError, KeyError, TypeError, RecursionError) as error:
                    raise Unreadable(f"{name}, line {number}: {error!r}") from None
                answer["proof"] = proof
                outcome = verify(
                    _read(os.path.join(folder, proof)), _text(os.path.join(folder, network)),
                    [_text(os.path.join(folder, q)) for q in queries])
                answer.update(valid=outcome.valid)
                if not outcome.valid:
                    answer.update(rule=outcome.rule, query=outcome.query, node=outcome.node)
                    worst = max(worst, 1)
                answer.update(leaves=outcome.leaves, pieces=outcome.pieces, nodes=outcome.nodes)
            except Unreadable as error:
                answer["error"] = str(error)
                worst = 2
            print(json.dumps(answer), flush=True)
    return worst


def _report_ranges():
    lines = Watched.report()
    over = [(line, width) for line, width, fits in lines if not fits]
    for line, width in over:
        print(f"ranges: line {line} needs {width} bits", file=sys.stderr)
    if not over:
        widest = f"{lines[0][1]} bits, line {lines[0][0]}" if lines else "nothing computed"
        print(f"ranges: all fit 64 bits (widest: {widest})", file=sys.stderr)


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="check_proof.py", description="Checks vPALs proofs.")
    parser.add_argument("proof", nargs="?")
    parser.add_argument("--network")
    parser.add_argument("--query", action="append", default=[])
    parser.add_argument("--batch", metavar="DIR")
    parser.add_argument("--ranges", action="store_true", help="report sums and products beyond 64 bits")
    options = parser.parse_args(arguments)
    alone = options.batch is not None
    if alone == (options.proof is not None) or alone == (options.network is not None) or alone and options.query:
        parser.error("either PROOF --network --query, or --batch")
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(LARGEST_TEXT)
    if options.ranges:
        Switches.number = Watched
    try:
        if alone:
            code = _batch(options.batch)
        else:
            outcome = verify(_read(options.proof), _text(options.network), [_text(q) for q in options.query])
            if outcome.valid:
                print(f"valid: {outcome.leaves} leaves, {outcome.pieces} pieces, {outcome.nodes} nodes")
            else:
                print(f"invalid: query {outcome.query}, node {outcome.node}: {outcome.rule}")
            code = 0 if outcome.valid else 1
    except Unreadable as error:
        print(f"check_proof.py: {error}", file=sys.stderr)
        code = 2
    except (MemoryError, OSError) as error:
        print(f"check_proof.py: {error!r}", file=sys.stderr)
        code = 2
    if options.ranges:
        _report_ranges()
    return code


if __name__ == "__main__":
    sys.exit(main())
