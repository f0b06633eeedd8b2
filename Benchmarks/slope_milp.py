"""The slope as a mixed-integer program, for HiGHS and SCIP: a peer of `vpals verify` on monotonicity.

    slope_milp.py highs|scip NETWORK.onnx FEATURE --limit SECONDS [--eps 0.001]
    slope_milp.py highs|scip --version

Is the derivative along the feature at most -eps somewhere in the unit box? The method is that of Liu, Han, Zhang and
Liu, Certified Monotonic Neural Networks, NeurIPS 2020: one copy of the network and its Jacobian's column, one binary per
unstable neuron, big-M constants from interval bounds; here over all layers at once. Prints one JSON object: `answer`
(`none`: the solver found no such point; `point`: it found `x`; `limit`), `seconds`, `columns`, `rows`, `binaries`.

The solvers compute in floating point: `none` is their word, not a proof. eps > 0 is to their advantage: at zero, points
on kinks satisfy every tolerance.
"""

import argparse
import json
import os
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from exact_network import Network

INFINITY = float("inf")


class Program:
    """Columns with bounds, and rows `lower <= sum of terms <= upper`."""

    def __init__(self):
        self.lower, self.upper, self.is_binary, self.rows = [], [], [], []

    def column(self, lower, upper, is_binary=False):
        self.lower.append(lower)
        self.upper.append(upper)
        self.is_binary.append(is_binary)
        return len(self.lower) - 1

    def row(self, terms, lower=-INFINITY, upper=INFINITY):
        """Terms are (column, factor); each column once."""
        self.rows.append(([t for t in terms if t[1] != 0], lower, upper))


class Quantity:
    """A number inside the network: a column with an interval, or a constant (column None)."""

    def __init__(self, column, lower, upper):
        self.column, self.lower, self.upper = column, lower, upper

    @staticmethod
    def constant(value):
        return Quantity(None, value, value)


def affine(row, bias, inputs):
    """(terms, constant, lower, upper) of a row over quantities."""
    terms, constant, lower, upper = [], bias, bias, bias
    for w, q in zip(row, inputs):
        if w == 0:
            continue
        ends = w * q.lower, w * q.upper
        lower, upper = lower + min(ends), upper + max(ends)
        if q.column is None:
            constant += ends[0]
        else:
            terms.append((q.column, w))
    return terms, constant, lower, upper


def negated(terms):
    return [(column, -factor) for column, factor in terms]


def neuron(program, z, dz):
    """relu(z) and its derivative, phase * dz, as quantities; z and dz as `affine` gives them."""
    terms, constant, low, high = z
    slope_terms, slope_constant, slope_low, slope_high = dz
    if high <= 0:
        return Quantity.constant(0.0), Quantity.constant(0.0)
    h = Quantity(program.column(max(low, 0.0), high), max(low, 0.0), high)
    # h >= z; for a neuron that is always active, h = z.
    program.row([(h.column, 1.0)] + negated(terms), constant, constant if low >= 0 else INFINITY)
    if low >= 0:
        if not slope_terms:
            return h, Quantity.constant(slope_constant)
        y = Quantity(program.column(slope_low, slope_high), slope_low, slope_high)
        program.row([(y.column, 1.0)] + negated(slope_terms), slope_constant, slope_constant)
        return h, y
    phase = program.column(0.0, 1.0, is_binary=True)
    # h <= z - low (1 - phase) and h <= high phase.
    program.row([(h.column, 1.0), (phase, -low)] + negated(terms), upper=constant - low)
    program.row([(h.column, 1.0), (phase, -high)], upper=0.0)
    if not slope_terms:
        if slope_constant == 0:
            return h, Quantity.constant(0.0)
        y = Quantity(program.column(*sorted((0.0, slope_constant))), *sorted((0.0, slope_constant)))
        program.row([(y.column, 1.0), (phase, -slope_constant)], 0.0, 0.0)
        return h, y
    y = Quantity(program.column(min(slope_low, 0.0), max(slope_high, 0.0)), min(slope_low, 0.0), max(slope_high, 0.0))
    # y = phase * dz: slope_low phase <= y <= slope_high phase, and the same of dz - y with 1 - phase.
    program.row([(y.column, 1.0), (phase, -slope_low)], lower=0.0)
    program.row([(y.column, 1.0), (phase, -slope_high)], upper=0.0)
    program.row([(y.column, 1.0), (phase, -slope_low)] + negated(slope_terms), upper=slope_constant - slope_low)
    program.row([(y.column, 1.0), (phase, -slope_high)] + negated(slope_terms), lower=slope_constant - slope_high)
    return h, y


def build(network, feature, eps):
    """The program; its first columns are the inputs. None when interval bounds already exclude such a slope."""
    program = Program()
    values = [Quantity(program.column(0.0, 1.0), 0.0, 1.0) for _ in range(network.inputs)]
    slopes = [Quantity.constant(1.0 if i == feature else 0.0) for i in range(network.inputs)]
    for rows, biases in network.layers[:-1]:
        pairs = [neuron(program, affine(row, bias, values), affine(row, 0.0, slopes))
                 for row, bias in zip(rows, biases)]
        values, slopes = [h for h, _ in pairs], [y for _, y in pairs]
    terms, constant, lower, _ = affine(network.layers[-1][0][0], 0.0, slopes)
    if lower > -eps or not terms:
        return None if lower > -eps else program
    program.row(terms, upper=-eps - constant)
    return program


# MARK: Solvers


def with_highs(program, limit):
    import highspy

    solver = highspy.Highs()
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("time_limit", limit)
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(program.lower), len(program.rows)
    model.col_cost_ = [0.0] * model.num_col_
    model.col_lower_, model.col_upper_ = program.lower, program.upper
    model.row_lower_ = [-highspy.kHighsInf if low == -INFINITY else low for _, low, _ in program.rows]
    model.row_upper_ = [highspy.kHighsInf if high == INFINITY else high for _, _, high in program.rows]
    model.integrality_ = [highspy.HighsVarType.kInteger if b else highspy.HighsVarType.kContinuous
                          for b in program.is_binary]
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    starts, columns, factors = [0], [], []
    for terms, _, _ in program.rows:
        columns += [column for column, _ in terms]
        factors += [factor for _, factor in terms]
        starts.append(len(columns))
    model.a_matrix_.start_, model.a_matrix_.index_, model.a_matrix_.value_ = starts, columns, factors
    if solver.passModel(model) == highspy.HighsStatus.kError:
        return "error: the model was refused", None
    solver.run()
    status = solver.getModelStatus()
    if status == highspy.HighsModelStatus.kInfeasible:
        return "none", None
    if status == highspy.HighsModelStatus.kOptimal:
        return "point", list(solver.getSolution().col_value)
    if status == highspy.HighsModelStatus.kTimeLimit:
        return "limit", None
    return f"error: {solver.modelStatusToString(status)}", None


def with_scip(program, limit):
    import pyscipopt

    model = pyscipopt.Model()
    model.hideOutput()
    model.setParam("limits/time", limit)
    model.setParam("timing/clocktype", 1)  # processor time
    variables = [model.addVar(lb=low, ub=high, vtype="B" if binary else "C")
                 for low, high, binary in zip(program.lower, program.upper, program.is_binary)]
    for terms, low, high in program.rows:
        expression = pyscipopt.quicksum(factor * variables[column] for column, factor in terms)
        if low == high:
            model.addCons(expression == low)
        elif low == -INFINITY:
            model.addCons(expression <= high)
        else:
            model.addCons(expression >= low)
    model.setObjective(0.0)
    model.optimize()
    status = model.getStatus()
    if status == "infeasible":
        return "none", None
    if status == "optimal":
        return "point", [model.getVal(v) for v in variables]
    return ("limit" if status == "timelimit" else f"error: {status}"), None


def version(solver):
    if solver == "highs":
        import highspy
        from importlib.metadata import version as installed

        return f"HiGHS, highspy {installed('highspy')}"
    import pyscipopt

    return f"SCIP {pyscipopt.Model().version()}, PySCIPOpt {pyscipopt.__version__}"


def main():
    parser = argparse.ArgumentParser(description="Monotonicity by the slope MILP.")
    parser.add_argument("solver", choices=["highs", "scip"])
    parser.add_argument("network", nargs="?")
    parser.add_argument("feature", nargs="?", type=int)
    parser.add_argument("--limit", type=float, default=60)
    parser.add_argument("--eps", type=float, default=0.001)
    parser.add_argument("--version", action="store_true")
    options = parser.parse_args()
    if options.version:
        print(version(options.solver))
        return
    if options.feature is None:
        parser.error("NETWORK and FEATURE are needed")
    network = Network(options.network)
    start = time.process_time()
    program = build(network, options.feature, options.eps)
    if program is None:
        result = {"answer": "none", "columns": 0, "rows": 0, "binaries": 0}
    else:
        answer, point = (with_highs if options.solver == "highs" else with_scip)(program, options.limit)
        result = {"answer": answer, "columns": len(program.lower), "rows": len(program.rows),
                  "binaries": sum(program.is_binary)}
        if point is not None:
            result["x"] = [min(1.0, max(0.0, v)) for v in point[:network.inputs]]
    print(json.dumps({**result, "seconds": round(time.process_time() - start, 3)}))


if __name__ == "__main__":
    main()
