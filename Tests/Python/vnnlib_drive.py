"""Drives a VNN-LIB solver as another program would, with nothing of ours in between.

    vnnlib_drive.py SOLVER QUERY NAME=MODEL ...

Reads the query with the standard's own parser (PyPI vnnlib), runs `SOLVER verify QUERY --network NAME=MODEL ...`, and
prints the answer. After `sat` the assignment must name every declared variable, in order, with its type and shape; the
formula is evaluated on the printed decimals in exact fractions, and the outputs are compared with onnxruntime's.
Exits 1 with a reason when anything is amiss.
"""

import subprocess
import sys
from fractions import Fraction
from math import prod

import numpy
import onnxruntime
import vnnlib

TOLERANCE = 1e-4  # VNN-COMP's, for the outputs of a counterexample


def value(node, values):
    if isinstance(node, vnnlib.Var):
        return values[node.name, tuple(node.indices)]
    if isinstance(node, vnnlib.Negate):
        return -value(node.expr, values)
    if isinstance(node, vnnlib.Plus):
        return sum((value(part, values) for part in node.args), Fraction(0))
    if isinstance(node, vnnlib.Minus):
        return value(node.head, values) - sum((value(part, values) for part in node.rest), Fraction(0))
    if isinstance(node, vnnlib.Multiply):
        return prod((value(part, values) for part in node.args), start=Fraction(1))
    return Fraction(str(node))


def holds(node, values):
    if isinstance(node, vnnlib.And):
        return all(holds(part, values) for part in node.args)
    if isinstance(node, vnnlib.Or):
        return any(holds(part, values) for part in node.args)
    left, right = value(node.lhs, values), value(node.rhs, values)
    return {
        vnnlib.LessThan: left < right,
        vnnlib.LessEqual: left <= right,
        vnnlib.GreaterThan: left > right,
        vnnlib.GreaterEqual: left >= right,
        vnnlib.Equal: left == right,
        vnnlib.NotEqual: left != right,
    }[type(node)]


def main() -> None:
    solver, path, *models = sys.argv[1:]
    query = vnnlib.parse_query_file(path)
    command = [solver, "verify", path]
    for model in models:
        command += ["--network", model]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300)
    lines = run.stdout.splitlines()
    if run.returncode != 0 or not lines or lines[0] not in ("sat", "unsat"):
        sys.exit(f"exit code {run.returncode}, output {run.stdout!r}, errors {run.stderr!r}")
    print(lines[0])
    if lines[0] == "unsat":
        if lines[1:]:
            sys.exit(f"lines after unsat: {lines[1:]}")
        return
    rest = lines[1:]
    values = {}
    tensors = {}
    for network in query.networks:
        for tensor in (*network.inputs, *network.outputs):
            shape = list(tensor.shape)
            head = rest.pop(0).split(" ")
            if head[0] != tensor.name or head[2] != "[" + ",".join(map(str, shape)) + "]" or len(head) != 3:
                sys.exit(f"{head} where {tensor.name} {shape} belongs")
            count = prod(shape)
            numbers, rest = [Fraction(word) for word in rest[:count]], rest[count:]
            if len(numbers) != count:
                sys.exit(f"{tensor.name} has {len(numbers)} of {count} values")
            tensors[tensor.name] = numbers
            for index, number in zip(numpy.ndindex(*shape), numbers):
                values[tensor.name, tuple(index)] = number
    if rest:
        sys.exit(f"lines too many: {rest}")
    for assertion in query.assertions:
        if not holds(assertion.expr, values):
            sys.exit(f"the assignment does not satisfy {assertion}")
    files = dict(model.split("=", 1) for model in models)
    for network in query.networks:
        file = files.get(network.name) or files[network.equal_to]
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        (source,) = session.get_inputs()
        element = {"tensor(float)": numpy.float32, "tensor(double)": numpy.float64}[source.type]
        point = numpy.array([[float(v) for v in tensors[network.inputs[0].name]]], element)
        (found,) = session.run(None, {source.name: point})
        for left, right in zip(found.flatten(), tensors[network.outputs[0].name]):
            if abs(float(left) - float(right)) > TOLERANCE * max(1, abs(float(right))):
                sys.exit(f"onnxruntime says {left}, the assignment {float(right)}")


if __name__ == "__main__":
    main()
