"""Reads VNN-LIB 2.0 files with the package `vnnlib` and says whether given values meet every assertion, exactly.

Usage: vnnlib_evaluate.py JOBS, a file with one JSON object a line: {"file": NAME, "values": [{VARIABLE: "n/d", …}, …]}
with variables as in the file, `X[0,1]`. Prints a line for each object: `1` or `0` for each of its values.
"""

import json
import sys
from fractions import Fraction

import vnnlib


def value(expr, values):
    kind = type(expr).__name__
    if kind == "Var":
        return values[f"{expr.name}[{','.join(map(str, expr.indices))}]"]
    if kind in ("Float", "Int", "Literal", "IntExpr"):
        return Fraction(expr.lexeme)
    if kind == "Negate":
        return -value(expr.expr, values)
    if kind == "Plus":
        return sum(value(part, values) for part in expr.args)
    if kind == "Minus":
        return value(expr.head, values) - sum(value(part, values) for part in expr.rest)
    if kind == "Multiply":
        product = Fraction(1)
        for part in expr.args:
            product *= value(part, values)
        return product
    raise ValueError(f"an expression of kind {kind}")


COMPARISONS = {
    "GreaterThan": lambda a, b: a > b,
    "GreaterEqual": lambda a, b: a >= b,
    "LessThan": lambda a, b: a < b,
    "LessEqual": lambda a, b: a <= b,
    "Equal": lambda a, b: a == b,
    "NotEqual": lambda a, b: a != b,
}


def holds(expr, values):
    kind = type(expr).__name__
    if kind == "And":
        return all(holds(part, values) for part in expr.args)
    if kind == "Or":
        return any(holds(part, values) for part in expr.args)
    return COMPARISONS[kind](value(expr.lhs, values), value(expr.rhs, values))


def main():
    with open(sys.argv[1], encoding="utf-8") as jobs:
        for line in jobs:
            job = json.loads(line)
            query = vnnlib.parse_query_file(job["file"])
            answers = []
            for texts in job["values"]:
                values = {name: Fraction(text) for name, text in texts.items()}
                answers.append("1" if all(holds(part.expr, values) for part in query.assertions) else "0")
            print("".join(answers), flush=True)


if __name__ == "__main__":
    main()
