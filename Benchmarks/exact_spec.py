"""A reader of the specifications that benchmarks use, and the queries that they mean, in exact rationals.

Shares no code with vPALs; written from docs/specification-language.md. It reads features, outputs and three kinds of
properties: nondecreasing and nonincreasing (in one feature or several) and always with constant bounds of one output.
Other kinds of properties have kind None; what changes the meaning of a whole file (`assume`) is refused. Standard
library only.
"""

import decimal
import re
from fractions import Fraction

from exact_network import Unreadable

UNITS = {
    "fraction": ("ratio", Fraction(1)), "percent": ("ratio", Fraction(1, 100)),
    **{unit: ("time", Fraction(seconds)) for unit, seconds in {
        "ns": Fraction(1, 10 ** 9), "us": Fraction(1, 10 ** 6), "ms": Fraction(1, 1000), "s": 1, "min": 60,
        "h": 3600}.items()},
    **{unit: ("size", Fraction(size)) for unit, size in {
        "B": 1, "kB": 10 ** 3, "MB": 10 ** 6, "GB": 10 ** 9, "KiB": 2 ** 10, "MiB": 2 ** 20, "GiB": 2 ** 30}.items()},
}
DOMAIN_BITS, CLAIM_BITS = 44, 120  # of a logarithm that is irrational


# MARK: Numbers


def quantity(text, unit):
    """A number with or without a unit, in `unit`."""
    match = re.fullmatch(r"(-?[0-9][0-9.eE+/-]*)(?: +(\S+))?", text.strip())
    if not match:
        raise Unreadable(f"not a quantity: {text!r}")
    value, own = Fraction(match[1]), match[2] or unit
    if own == unit:
        return value
    (kind, factor), (wanted, divisor) = UNITS.get(own, (own, 1)), UNITS.get(unit, (unit, 1))
    if kind != wanted:
        raise Unreadable(f"{text!r} is not in {unit}")
    return value * factor / divisor


def logarithm(value, bits, up):
    """log2 of a fraction, as a multiple of 2^-bits on the asked side; exact for powers of two."""
    n, d = value.numerator, value.denominator
    if n & (n - 1) == 0 and d & (d - 1) == 0:
        return Fraction(n.bit_length() - d.bit_length())
    with decimal.localcontext() as context:
        context.prec = 120
        scaled = (decimal.Decimal(n).ln() - decimal.Decimal(d).ln()) / decimal.Decimal(2).ln() * 2 ** bits
        rounding = decimal.ROUND_CEILING if up else decimal.ROUND_FLOOR
        return Fraction(int(scaled.to_integral_value(rounding=rounding)), 2 ** bits)


# MARK: YAML, the part that specifications use


def _without_comment(line):
    quote = None
    for at, letter in enumerate(line):
        if quote:
            quote = None if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter == "#" and (at == 0 or line[at - 1] in " \t"):
            return line[:at]
    return line


def _split(text):
    """The parts between top-level commas."""
    parts, depth, quote, start = [], 0, None, 0
    for at, letter in enumerate(text):
        if quote:
            quote = None if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "{[":
            depth += 1
        elif letter in "}]":
            depth -= 1
        elif letter == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    return [part.strip() for part in parts + [text[start:]] if part.strip()]


def _value(text):
    text = text.strip()
    if text.startswith("{") and text.endswith("}"):
        return dict((key.strip(), _value(rest)) for key, _, rest in (p.partition(":") for p in _split(text[1:-1])))
    if text.startswith("[") and text.endswith("]"):
        return [_value(part) for part in _split(text[1:-1])]
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return text


def _open(text):
    """Whether a flow mapping, list or quotation goes on in the next line."""
    plain = re.sub(r"\"[^\"]*\"|'[^']*'", "", text)
    return plain.count('"') % 2 or plain.count("{") + plain.count("[") > plain.count("}") + plain.count("]")


def _lines(text):
    """(indentation, text) of each logical line."""
    result = []
    for line in text.splitlines():
        line = _without_comment(line).rstrip()
        if not line.strip():
            continue
        if result and _open(result[-1][1]):
            result[-1] = (result[-1][0], result[-1][1] + " " + line.strip())
        else:
            result.append((len(line) - len(line.lstrip()), line.strip()))
    return result


def _block(lines):
    """A mapping or list of mappings in block style."""
    result, at = None, 0
    while at < len(lines):
        indentation, line = lines[at]
        if line.startswith("- "):
            inner = len(line) - len(line[2:].lstrip())
            own = [(indentation + inner, line[2:].lstrip())]
            at += 1
            while at < len(lines) and lines[at][0] > indentation:
                own.append(lines[at])
                at += 1
            result = (result or []) + [_value(own[0][1]) if own[0][1].startswith("{") else _block(own)]
            continue
        key, colon, rest = line.partition(":")
        if not colon:
            raise Unreadable(f"specification: {line!r}")
        at += 1
        own = []
        while at < len(lines) and (lines[at][0] > indentation
                                   or lines[at][0] == indentation and lines[at][1].startswith("- ")):
            own.append(lines[at])
            at += 1
        result = result or {}
        if rest.strip() and own:
            rest += " " + " ".join(text for _, text in own)
            own = []
        result[key.strip()] = _block(own) if own else _value(rest)
    return result


# MARK: Specifications


class Property:
    """`kind` is monotone, bounds or None (not read here); `queries` are the canonical texts, docs/proof-format.md."""

    def __init__(self, identifier):
        self.id, self.kind, self.queries = identifier, None, None
        self.output, self.features, self.sign = 0, [], 1
        self.bounds = []  # (sign, bound of sign·output that proofs use, bound that counterexamples must pass)


class Specification:
    """`box` is [(low, high)] of the network's own inputs."""

    def __init__(self, text):
        root = _block(_lines(text))
        if root.get("spec") != "vpals/v1" or "assume" in root:
            raise Unreadable("a specification of another version, or with assume")
        features, outputs = self._ordered(root["features"]), self._ordered(root["outputs"])
        self.features, self.outputs = list(features), list(outputs)
        self.box = [self._interval(value) for value in features.values()]
        self.properties = [self._property(value, outputs) for value in root["properties"]]

    @staticmethod
    def _ordered(mapping):
        named = [(int((value or {}).get("index", place)), name, value or {}) for place, (name, value) in
                 enumerate(mapping.items())]
        return {name: value for _, name, value in sorted(named, key=lambda one: one[0])}

    @staticmethod
    def _interval(feature):
        low, _, high = feature["domain"].partition("..")
        unit = feature.get("unit", "none")
        high_unit = re.search(r" +(\S+)$", high.strip())
        if high_unit and not re.search(r" \S+$", low.strip()):
            low = f"{low.strip()} {high_unit[1]}"
        ends = quantity(low, unit), quantity(high, unit)
        if feature.get("scale", "linear") == "log2":
            ends = logarithm(ends[0], DOMAIN_BITS, False), logarithm(ends[1], DOMAIN_BITS, True)
        return ends

    def _property(self, value, outputs):
        result = Property(value["id"])
        head = f"vpals-query/v1 {len(self.box)}\n" + "".join(f"{low} {high}\n" for low, high in self.box)
        kinds = set(value) - {"id", "about"}
        growth = {"nondecreasing", "nonincreasing"} & kinds
        if len(kinds) == 1 and growth:
            direction = growth.pop()
            claim = value[direction]
            named = claim["in"] if isinstance(claim["in"], list) else [claim["in"]]
            if set(claim) != {"of", "in"}:
                return result
            result.kind, result.sign = "monotone", 1 if direction == "nondecreasing" else -1
            result.output = self.outputs.index(claim["of"])
            result.features = sorted(self.features.index(name) for name in named)
            result.queries = [head + f"monotone output {result.output} feature {feature} {direction} slope 0\n"
                              for feature in result.features]
        elif kinds == {"always"}:
            self._bounds(result, value["always"], outputs, head)
        return result

    def _bounds(self, result, text, outputs, head):
        parts = [part.strip() for part in re.split(r"(<=|>=)", text)]
        places = [at for at in range(0, len(parts), 2) if parts[at] in outputs]
        if len(places) != 1 or len(parts) > 5 or "==" in text:
            return
        at = places[0]
        output = outputs[parts[at]]
        result.output = self.outputs.index(parts[at])
        log2 = output.get("scale", "linear") == "log2"
        claims = []
        for sign_at, number_at in ((at - 1, at - 2), (at + 1, at + 2)):
            if not 0 <= number_at < len(parts):
                continue
            try:
                bound = quantity(parts[number_at], output.get("unit", "none"))
            except Unreadable:
                return
            is_lower = (parts[sign_at] == "<=") == (number_at < at)
            sign = 1 if is_lower else -1
            if log2 and bound <= 0:
                return
            inside = logarithm(bound, CLAIM_BITS, is_lower) if log2 else bound
            outside = logarithm(bound, CLAIM_BITS, not is_lower) if log2 else bound
            claims.append((sign, sign * inside, sign * outside))
        result.kind, result.bounds = "bounds", claims
        result.queries = []
        for sign, inside, _ in claims:
            weights = [str(sign if k == result.output else 0) for k in range(len(self.outputs))]
            result.queries.append(head + f"nonnegative outputs {' '.join(weights)} constant {-inside}\n")
