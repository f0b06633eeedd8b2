"""A float MILP solver and units: the same network with a feature in units of 1 and of 2^-BITS (bytes, not GiB).

    units_milp.py highs|scip NETWORK.onnx FEATURE [--bits 30] [--eps 0.001] [--limit SECONDS]

Does the output fall by eps or more anywhere in the box while the feature grows? Two copies of the network, one binary
per unstable neuron, big-M constants from interval bounds. The feature's weights are multiplied by 2^-BITS and its
interval is [0, 2^BITS]: in binary64 that is exact, so it is the same function with another label on one axis. Prints one
JSON object: `answer` (`none`: no such pair; `pair`; `limit`), `seconds`, and for a pair `x` and `xPrime`, the feature's
numbers in the given units. `none` is a solver's word, and at 30 bits it can be wrong; `vpals verify` is not asked here.
"""

import argparse
import json
import time

from exact_network import Network
from slope_milp import Program, Quantity, affine, negated, neuron, with_highs, with_scip


def build(network, feature, bits, eps):
    """The program and the columns of the inputs of both copies."""
    program = Program()
    ends = [2.0 ** bits if i == feature else 1.0 for i in range(network.inputs)]
    first = [Quantity(program.column(0.0, end), 0.0, end) for end in ends]
    second = list(first)
    second[feature] = Quantity(program.column(0.0, ends[feature]), 0.0, ends[feature])
    program.row([(second[feature].column, 1.0), (first[feature].column, -1.0)], lower=0.0)
    outputs = []
    for inputs in (first, second):
        values = inputs
        for depth, (rows, biases) in enumerate(network.layers[:-1]):
            if depth == 0:
                rows = [[w * 2.0 ** -bits if i == feature else w for i, w in enumerate(row)] for row in rows]
            values = [neuron(program, affine(row, bias, values), ([], 0.0, 0.0, 0.0))[0]
                      for row, bias in zip(rows, biases)]
        outputs.append(affine(network.layers[-1][0][0], network.layers[-1][1][0], values))
    (low_terms, low_constant, *_), (high_terms, high_constant, *_) = outputs
    # f(x') - f(x) <= -eps.
    terms = {}
    for column, factor in high_terms + negated(low_terms):
        terms[column] = terms.get(column, 0.0) + factor
    program.row(list(terms.items()), upper=-eps - high_constant + low_constant)
    return program, [q.column for q in first], [q.column for q in second]


def main():
    parser = argparse.ArgumentParser(description="The same network in two units, by a float MILP solver.")
    parser.add_argument("solver", choices=["highs", "scip"])
    parser.add_argument("network")
    parser.add_argument("feature", type=int)
    parser.add_argument("--bits", type=int, default=30)
    parser.add_argument("--eps", type=float, default=0.001)
    parser.add_argument("--limit", type=float, default=60)
    options = parser.parse_args()
    start = time.process_time()
    program, first, second = build(Network(options.network), options.feature, options.bits, options.eps)
    answer, point = (with_highs if options.solver == "highs" else with_scip)(program, options.limit)
    result = {"answer": "pair" if answer == "point" else answer}
    if point is not None:
        result["x"], result["xPrime"] = [point[c] for c in first], [point[c] for c in second]
    print(json.dumps({**result, "seconds": round(time.process_time() - start, 3)}))


if __name__ == "__main__":
    main()
