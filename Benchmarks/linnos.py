#!/usr/bin/env python3
"""Trains predictors of the LinnOS shape, nine inputs, and proves their two monotone properties on the whole domain.

    linnos.py                          free, recipe and signed; 32-32 and 300-300; one seed
    linnos.py --hidden 64,64 --seeds 3
    linnos.py --every 4                a quarter of the rows, evenly spread

`free` has no term of the recipe, neither for properties nor for small proofs; `recipe` is the default of `vpals-train`,
`signed` is `vpals-train --shape signed`. All three are trained once, by the first 65.6 % of the rows in time; the next
14.4 % choose the epoch, the last 20 % are held out. Then `vpals verify` decides both properties, all nine inputs free in
Benchmarks/linnos/linnos.yaml. With --until-proven the recipe runs its whole loop instead (counterexamples, repair).

The rows are no part of the project (--linnos, $LINNOS or ../shared/data/linnos); without them nothing is done.
Exit code: 0 done or skipped, 2 a program failed. Python 3.11, the standard library.
"""

import argparse
import json
import os
import sys
import tempfile

import training


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    training.add_options(parser)
    parser.add_argument("--hidden", action="append", help="widths such as 64,64; may be repeated")
    parser.add_argument("--seeds", type=int, default=1, help="seeds, from 1 on")
    parser.add_argument("--every", type=int, default=1, help="take every so many-th row only")
    parser.add_argument("--kinds", default="free,recipe,signed", help="of free, recipe and signed")
    parser.add_argument("--timeout", type=int, default=60, help="seconds for each property")
    parser.add_argument("--until-proven", action="store_true", help="the recipe with its whole loop")
    parser.add_argument("--settings", action="append", default=[], metavar="NAME=NUMBER",
                        help="other training settings")
    parser.add_argument("--out", help="keep what is made in this directory")
    parser.add_argument("--json", action="store_true", help="with --out, also a JSON line for each network")
    options = parser.parse_args()
    rows = training.linnos_rows(options.linnos)
    if rows is None:
        return 0
    settings = dict(training.LINNOS_SETTINGS)
    for item in options.settings:
        name, _, number = item.partition("=")
        settings[name] = float(number) if "." in number or "e" in number else int(number)
    with tempfile.TemporaryDirectory() as scratch:
        place = options.out or scratch
        os.makedirs(place, exist_ok=True)
        data = os.path.join(place, "linnos.csv")
        training.write_rows(data, training.LINNOS_COLUMNS, rows[::options.every])
        print(f"{len(rows[::options.every])} rows")
        print(f"{'hidden':10} {'kind':7} {'seed':>4} {'train CPU s':>11} {'validation':>10} {'held-out R²':>11}  "
              "latency-rises-with-queue; with-last-latency: verdict, CPU s, leaves")
        for hidden in options.hidden or ["32,32", "300,300"]:
            for kind in options.kinds.split(","):
                for seed in range(1, options.seeds + 1):
                    row(options, place, data, hidden, kind, seed, settings)
    return 0


def row(options, place, data, hidden, kind, seed, settings):
    if kind == "free":
        settings = settings | training.FREE_SETTINGS
    directory = os.path.join(place, f"{hidden.replace(',', '-')}-{kind}-{seed}")
    arguments = {"free": ["--unconstrained"], "recipe": [], "signed": ["--shape", "signed"]}[kind]
    if kind == "recipe" and options.until_proven:
        arguments = ["--until-proven", "--property-time", f"{options.timeout}s", "--budget", "20m", "--rounds", "3"]
    run = training.train(options, directory, "linnos", data, training.LINNOS_SPECIFICATION,
                         hidden.split(","), seed, settings, arguments, accepted=(0, 1))
    label = f"{hidden:10} {kind:7} {seed:4}"
    if run is None:
        print(f"{label} not proved within the budget", flush=True)
        return
    answers = training.verify(options, run.model, training.LINNOS_SPECIFICATION,
                              os.path.join(directory, "store.sqlite"), options.timeout)
    verdicts = "; ".join(f"{answer['verdict']}, {answer['cpuSeconds']:.2f}, {answer['leaves']}"
                         + (f", proved {answer['provedShare']:.3f}" if answer["verdict"] == "unknown" else "")
                         for answer in answers.values())
    if options.json:
        print(json.dumps({"variant": f"{hidden.replace(',', '-')} {kind}", "network": os.path.abspath(run.model),
                          "spec": training.LINNOS_SPECIFICATION, "heldOutR2": run.held_out_r2[0]}), flush=True)
    repairs = f"  repaired, validation error {run.report['repairCost']:+.2%}" if run.report["repairs"] else ""
    print(f"{label} {run.cpu_seconds:11.1f} {run.validation_error:10.4f} {run.held_out_r2[0]:11.4f}  "
          f"{verdicts}{repairs}", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except training.Failed as failure:
        print(f"error: {failure}", file=sys.stderr)
        sys.exit(2)
