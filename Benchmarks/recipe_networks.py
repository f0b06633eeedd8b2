#!/usr/bin/env python3
"""Makes the networks of Benchmarks/networks/recipe from a synthetic performance function and from LinnOS rows.

    recipe_networks.py                       all of them, into Benchmarks/networks/recipe
    recipe_networks.py --only n12_2x16 --out DIR --verify 60

A row has N inputs in the box [0, 1]^N: the first M stand for pressures and queues (the function rises in them, steeply
near 1, and more together), the others for configuration (waves and bends in any direction, and a factor on the rest). A
little noise is added. `vpals-train --until-proven` trains on 2,400 such rows with the settings below and proves that
the output rises in the first M inputs; only ONNX file and specification are kept. Same seed, same network. The network of
nine inputs has the shape of LinnOS and is trained on its rows; without them it is left out with a message.
Exit code: 0 done, 1 a network was not proved, 2 a program failed. Python 3.11, the standard library.
"""

import argparse
import json
import math
import os
import random
import shutil
import sys
import tempfile

import training

OUT = os.path.join(training.HERE, "networks", "recipe")

COMMON = {"starts": 1, "batchSize": 64, "learningRate": 0.004}
# Name: inputs, monotone ones, hidden widths, settings beside COMMON, arguments. L1 is what decides between accuracy and
# proof time on that many rows: docs/frontier.md.
NETWORKS = {
    "n12_2x16": (12, 6, [16] * 2, {"epochs": 200, "minimumEpochs": 120, "fineTuningEpochs": 20, "l1": 3e-4}, []),
    "n12_2x32": (12, 6, [32] * 2, {"epochs": 200, "minimumEpochs": 120, "fineTuningEpochs": 20, "l1": 3e-4}, []),
    "n12_3x64": (12, 6, [64] * 3, {"epochs": 100, "minimumEpochs": 60, "fineTuningEpochs": 15, "l1": 3e-4}, []),
    "n16_4x64": (16, 8, [64] * 4, {"epochs": 80, "minimumEpochs": 50, "fineTuningEpochs": 12, "l1": 1e-3}, []),
    "n12_4x256_signed": (12, 6, [256] * 4, {"epochs": 30, "minimumEpochs": 15, "fineTuningEpochs": 5, "l1": 1e-4},
                         ["--shape", "signed"]),
    # Of the LinnOS rows, every fourth.
    "n9_300-300": (9, None, [300] * 2, training.LINNOS_SETTINGS, []),
}
LINNOS_EVERY = 4


def function(inputs, monotone, generator):
    """A random function of the kind described above, about one unit of spread."""
    slopes = [generator.uniform(0.2, 1) for _ in range(monotone)]
    queues = [generator.uniform(0, 0.15) for _ in range(monotone)]
    pairs = [(generator.randrange(monotone), generator.randrange(monotone), generator.uniform(0.2, 0.8))
             for _ in range(monotone)]
    waves = [(generator.uniform(0.2, 0.8), generator.uniform(0.5, 1.5), generator.random())
             for _ in range(monotone, inputs)]
    factor = generator.randrange(monotone, inputs)

    def value(x):
        rise = sum(a * v for a, v in zip(slopes, x)) + sum(q * v / (1.1 - v) for q, v in zip(queues, x))
        rise += sum(c * x[i] * x[j] for i, j, c in pairs)
        other = sum(a * math.sin(math.tau * (f * v + p)) for (a, f, p), v in zip(waves, x[monotone:]))
        return rise * (1 + 0.5 * x[factor]) + other
    return value


def rows(inputs, monotone, count, seed):
    generator = random.Random(seed)
    value = function(inputs, monotone, generator)
    for _ in range(count):
        # Measured machines are idle or busy more often than in between; some rows are spread evenly.
        busy = generator.random()
        x = [min(1, max(0, generator.gauss(busy, 0.25) if i < monotone and busy < 0.7 else generator.random()))
             for i in range(inputs)]
        x = [round(v, 4) for v in x]
        yield x + [round(value(x) + generator.gauss(0, 0.05), 5)]


def specification(inputs, monotone):
    lines = ["# Made by Benchmarks/recipe_networks.py: a synthetic performance function.", "spec: vpals/v1",
             "features:"]
    lines += [f"  x{i}: {{index: {i}, unit: share, domain: 0..1}}" for i in range(inputs)]
    lines += ["outputs:", "  y: {index: 0, unit: ms}", "properties:"]
    for i in range(monotone):
        lines += [f"  - id: y-rises-with-x{i}", f"    nondecreasing: {{of: y, in: x{i}}}"]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    training.add_options(parser)
    parser.add_argument("--only", help="names, separated by commas")
    parser.add_argument("--out", default=OUT, help="where the networks go")
    parser.add_argument("--seed", type=int, default=1, help="of rows and training")
    parser.add_argument("--rounds", type=int, default=4, help="the most rounds of training")
    parser.add_argument("--property-time", default="20s", help="for one property in one round")
    parser.add_argument("--budget", default="10m", help="for one network")
    parser.add_argument("--once", action="store_true", help="one training each, proved or not")
    parser.add_argument("--settings", default="{}", help="a JSON object of other training settings")
    parser.add_argument("--verify", type=int, metavar="SECONDS", help="then verify, with so long for each network")
    options = parser.parse_args()
    os.makedirs(options.out, exist_ok=True)
    failures = 0
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.only.split(",") if options.only else NETWORKS:
            failures += make(options, scratch, name)
    return 1 if failures else 0


def make(options, scratch, name):
    inputs, monotone, hidden, settings, arguments = NETWORKS[name]
    data, spec = os.path.join(scratch, f"{name}.csv"), os.path.join(options.out, f"{name}.yaml")
    if monotone is None:
        measured = training.linnos_rows(options.linnos)
        if measured is None:
            return 0
        training.write_rows(data, training.LINNOS_COLUMNS, measured[::LINNOS_EVERY])
        shutil.copyfile(training.LINNOS_SPECIFICATION, spec)
    else:
        training.write_rows(data, [f"x{i}" for i in range(inputs)] + ["y"], rows(inputs, monotone, 2400, options.seed))
        with open(spec, "w") as file:
            file.write(specification(inputs, monotone))
    loop = [] if options.once else ["--until-proven", "--rounds", str(options.rounds), "--budget", options.budget,
                                    "--property-time", options.property_time]
    run = training.train(options, os.path.join(scratch, name), "synthetic", data, spec, hidden, options.seed,
                         COMMON | settings | json.loads(options.settings), arguments + loop, accepted=(0, 1))
    if run is None:
        print(f"{name}: not proved", flush=True)
        return 1
    model = os.path.join(options.out, f"{name}.onnx")
    shutil.copyfile(run.model, model)
    text = (f"{name}: R² {run.held_out_r2[0]:.4f}, validation error {run.validation_error:.4f}, "
            f"{len(run.report['rounds'])} rounds, {len(run.report['repairs'])} repairs, "
            f"{run.report['rounds'][-1]['zeroWeightShare']:.0%} zeros, {os.path.getsize(model)} bytes, "
            f"train CPU {run.cpu_seconds:.0f} s")
    if options.verify:
        # In the scratch directory, where certificate and proofs may lie beside it.
        answers = training.verify(options, run.model, spec, os.path.join(scratch, f"{name}.sqlite"), options.verify)
        text += "; " + ", ".join(f"{answer['verdict']} {answer['cpuSeconds']:.2f} s {answer['leaves']}"
                                 for answer in answers.values())
    print(text, flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except training.Failed as failure:
        print(f"error: {failure}", file=sys.stderr)
        sys.exit(2)
