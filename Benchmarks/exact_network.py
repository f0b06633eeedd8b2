"""A reader of the benchmark's ONNX files, and the network in exact rationals.

Shares no code with vPALs: what vPALs answers is checked with this. It understands chains of affine layers (Gemm, or
MatMul and Add) with Relu between them, Identity anywhere, inline weights as float32 or float64, and refuses everything
else. Standard library only.
"""

import hashlib
import math
import random
import struct
from fractions import Fraction

FLOAT, DOUBLE = 1, 11  # TensorProto.DataType


class Unreadable(Exception):
    pass


# MARK: Protocol buffers


def _varint(data, at):
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise Unreadable("a number ends early")
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def _fields(data):
    """{field number: [values]} of a message; a value is an int, or the bytes of anything that is not a varint."""
    fields, at = {}, 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, at = _varint(data, at)
        elif kind in (1, 2, 5):
            size = {1: 8, 5: 4}.get(kind)
            if size is None:
                size, at = _varint(data, at)
            if at + size > len(data):
                raise Unreadable("a field ends early")
            value = data[at:at + size]
            at += size
        else:
            raise Unreadable(f"wire type {kind}")
        fields.setdefault(number, []).append(value)
    return fields


def _text(fields, number):
    return fields.get(number, [b""])[0].decode()


def _tensor(data):
    """(name, dimensions, values) of a TensorProto."""
    fields = _fields(data)
    dimensions = []
    for value in fields.get(1, []):
        if isinstance(value, int):
            dimensions.append(value)
            continue
        at = 0
        while at < len(value):
            one, at = _varint(value, at)
            dimensions.append(one)
    kind = fields.get(2, [0])[0]
    if kind not in (FLOAT, DOUBLE):
        return _text(fields, 8), dimensions, None
    size, letter, place = (4, "f", 4) if kind == FLOAT else (8, "d", 10)
    raw = fields[9][0] if 9 in fields else b"".join(fields.get(place, []))
    if len(raw) != size * math.prod(dimensions):
        raise Unreadable(f"{_text(fields, 8)}: weights must lie in the file, as raw_data, float_data or double_data")
    return _text(fields, 8), dimensions, struct.unpack(f"<{len(raw) // size}{letter}", raw)


def _attributes(node):
    """{name: value} of a NodeProto's integers and floats."""
    result = {}
    for data in node.get(5, []):
        fields = _fields(data)
        if fields.get(20, [0])[0] == 1:
            result[_text(fields, 1)] = struct.unpack("<f", fields[2][0])[0]
        else:
            result[_text(fields, 1)] = fields.get(3, [0])[0]
    return result


# MARK: The network


class Network:
    """Affine layers with ReLU between them: `layers` is [(rows, biases)], floats that are the stored values exactly."""

    def __init__(self, path):
        with open(path, "rb") as file:
            model = _fields(file.read())
        if 7 not in model:
            raise Unreadable(f"{path}: no graph")
        graph = _fields(model[7][0])
        self._tensors = {name: (dimensions, values) for name, dimensions, values in map(_tensor, graph.get(5, []))}
        self.layers, wants_bias, relu, previous = [], False, True, None
        for data in graph.get(1, []):
            node = _fields(data)
            operator, inputs = _text(node, 4), [name.decode() for name in node.get(1, [])]
            constants = [name for name in inputs if name in self._tensors]
            if previous is None:
                previous = next((name for name in inputs if name not in self._tensors), None)
            if [name for name in inputs if name and name not in self._tensors] != [previous]:
                raise Unreadable(f"{path}: {operator} does not continue the chain")
            if operator in ("Gemm", "MatMul") and relu and inputs[0] == previous:
                self.layers.append(self._affine(path, operator, _attributes(node), constants))
                relu, wants_bias = False, operator == "MatMul"
            elif operator == "Add" and wants_bias:
                self.layers[-1] = (self.layers[-1][0], self._biases(path, constants[0], len(self.layers[-1][1])))
                wants_bias = False
            elif operator == "Relu" and not relu:
                relu, wants_bias = True, False
            elif operator != "Identity":
                raise Unreadable(f"{path}: expected a chain of affine layers and Relu, found {operator}")
            previous = node[2][0].decode()
        if not self.layers or relu:
            raise Unreadable(f"{path}: must end in an affine layer")
        for (_, biases), (rows, _) in zip(self.layers, self.layers[1:]):
            if len(rows[0]) != len(biases):
                raise Unreadable(f"{path}: layers that do not fit")
        self.inputs, self.outputs = len(self.layers[0][0][0]), len(self.layers[-1][1])
        self.hidden = [len(biases) for _, biases in self.layers[:-1]]
        self._exact = None

    def _affine(self, path, operator, attributes, constants):
        """(rows, biases) of a Gemm, or of a MatMul, whose biases may follow."""
        if attributes.get("alpha", 1) != 1 or attributes.get("beta", 1) != 1 or attributes.get("transA", 0):
            raise Unreadable(f"{path}: Gemm with alpha, beta or transA")
        dimensions, values = self._tensors[constants[0]] if constants else ([], None)
        if len(dimensions) != 2 or values is None:
            raise Unreadable(f"{path}: {operator} without a matrix of weights")
        height, width = dimensions
        rows = [list(values[r * width:(r + 1) * width]) for r in range(height)]
        if operator == "MatMul" or not attributes.get("transB", 0):
            rows = [list(column) for column in zip(*rows)]
        biases = self._biases(path, constants[1], len(rows)) if len(constants) > 1 else [0.0] * len(rows)
        return rows, biases

    def _biases(self, path, name, count):
        dimensions, values = self._tensors[name]
        if values is None or len(values) not in (1, count) or math.prod(dimensions[:-1]) != 1:
            raise Unreadable(f"{path}: a bias that does not fit")
        return list(values) if len(values) == count else list(values) * count

    @property
    def exact(self):
        if self._exact is None:
            self._exact = [([[Fraction(w) for w in row] for row in rows], [Fraction(b) for b in biases])
                           for rows, biases in self.layers]
        return self._exact

    def value(self, x, output=0):
        """f(x) in rationals."""
        return self._directional(self.exact, x, None)[0][output]

    def values(self, x):
        """All outputs at x, in floating point."""
        return self._directional(self.layers, x, None)[0]

    def slope(self, x, feature, side=1, exact=True, output=0):
        """The one-sided derivative at x along the feature: from the right (side 1) or from the left (-1)."""
        direction = [0] * self.inputs
        direction[feature] = side
        return side * self._directional(self.exact if exact else self.layers, x, direction)[1][output]

    @staticmethod
    def _directional(layers, x, direction):
        """f(x) and the derivative of f at x in a direction, of all outputs: exactly that, on kinks too."""
        for index, (rows, biases) in enumerate(layers):
            z = [sum((w * v for w, v in zip(row, x) if v), b) for row, b in zip(rows, biases)]
            dz = None if direction is None else [sum(w * v for w, v in zip(row, direction) if v) for row in rows]
            if index + 1 == len(layers):
                return z, dz
            x = [max(v, 0) for v in z]
            if dz is not None:
                direction = [d if v > 0 else max(d, 0) if v == 0 else 0 for v, d in zip(z, dz)]

    # MARK: Canonical texts, docs/proof-format.md

    def canonical_text(self):
        lines = ["vpals-network/v1", f"{self.inputs} {len(self.layers)}"]
        for rows, biases in self.layers:
            lines.append(f"{len(rows[0])} {len(rows)}")
            lines += [_dyadic(w) for row in rows for w in row] + [_dyadic(b) for b in biases]
        return "\n".join(lines) + "\n"


def digest(text):
    return hashlib.sha256(text.encode()).hexdigest()


def _dyadic(value):
    mantissa, denominator = value.as_integer_ratio()
    if mantissa == 0:
        return "0 0"
    exponent = 1 - denominator.bit_length()
    while mantissa % 2 == 0:
        mantissa //= 2
        exponent += 1
    return f"{mantissa} {exponent}"


# MARK: Perturbation


def perturbed(data, share, seed):
    """The bytes of a model whose float32 weights are each multiplied by 1 + share·N(0, 1), in place."""
    source, result, at = random.Random(seed), bytearray(data), 0
    for tensor in _fields(_fields(data)[7][0]).get(5, []):
        raw = _fields(tensor).get(9, [b""])[0]
        if _fields(tensor).get(2, [0])[0] != FLOAT or not raw:
            raise Unreadable("only float32 weights in raw_data are perturbed")
        start = data.index(tensor, at)
        at = start + tensor.index(raw)
        count = len(raw) // 4
        noisy = [w * (1 + share * source.gauss(0, 1)) for w in struct.unpack(f"<{count}f", raw)]
        result[at:at + len(raw)] = struct.pack(f"<{count}f", *noisy)
        at = start + len(tensor)
    return bytes(result)
