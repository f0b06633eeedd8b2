"""Evaluates an NNet file at a point, exactly, by a parser of its own that reads the way the format's own programs do.

    nnet_evaluate.py FILE

Reads points from standard input, one per line, each number as a decimal; prints the outputs of the network proper (no
normalisation), one point per line, each number as an exact fraction. Numbers of the file become floats and are exact
from then on.
"""

import sys
from fractions import Fraction


def numbers(line: str) -> list[Fraction]:
    return [Fraction(float(word)) for word in line.strip().split(",") if word.strip()]


def main() -> None:
    with open(sys.argv[1], encoding="ascii") as file:
        lines = [line for line in file if line.strip() and not line.startswith("//")]
    sizes = [int(word) for word in lines[1].strip().strip(",").split(",")]
    position = 7
    layers = []
    for outputs in sizes[1:]:
        weights = [numbers(line) for line in lines[position:position + outputs]]
        biases = [numbers(line)[0] for line in lines[position + outputs:position + 2 * outputs]]
        layers.append((weights, biases))
        position += 2 * outputs
    for line in sys.stdin:
        values = [Fraction(word) for word in line.split()]
        for index, (weights, biases) in enumerate(layers):
            values = [sum(w * x for w, x in zip(row, values)) + bias for row, bias in zip(weights, biases)]
            if index + 1 < len(layers):
                values = [max(Fraction(0), value) for value in values]
        print(*values)


if __name__ == "__main__":
    main()
