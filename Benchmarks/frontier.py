#!/usr/bin/env python3
"""Proof time against accuracy: networks trained with and without each term of the recipe, and in the signed shape.

    frontier.py --csv docs/frontier.csv --svg docs/frontier.svg --table tables.md
                                                    all of docs/frontier.md, 10 minutes on an idle core
    frontier.py --data nginx,linnos --seeds 1 --variants 'free;signed'   a part

Every variant is trained once for each seed and data set with `vpals-train`, without counterexamples and repair, and its
monotone properties are decided by `vpals verify`, one thread. A line of the CSV is one network: its error on the
validation rows (by which settings are compared) and on the held-out rows (which nothing is chosen by), both as root
mean square over the spread of the rows; the properties proved, violated and undecided; the processor seconds of these
answers, proofs and their checks included; and the leaves of the proofs.

Data: the measured applications under models/, and the LinnOS rows where they are (--linnos, $LINNOS or
../shared/data/linnos); without those they are skipped with a message.
Exit code: 0 done, 2 a program failed. Python 3.11, the standard library.
"""

import argparse
import csv
import math
import os
import statistics
import sys
import tempfile

import training

APPLICATIONS = ["nginx", "mariadb", "redis", "lucene", "mindspore"]

# Settings that replace the recipe's, and arguments of vpals-train.
VARIANTS = {
    "free": (training.FREE_SETTINGS, ["--unconstrained"]),
    "recipe": ({}, []),
    "no L1": ({"l1": 0}, []),
    "no stability": ({"stability": 0}, []),
    "no pruning": ({"pruneBelow": 0}, []),
    "no grid": ({"gridBits": 24, "biasBits": 24}, []),
    "no margin": ({"margin": 0}, []),
    "slope bound 0.2": ({"slopeBound": 0.2}, []),
    "slope bound 2": ({"slopeBound": 2}, []),
    "slope bound 0.2, no L1": ({"slopeBound": 0.2, "l1": 0}, []),
    "signed": ({}, ["--shape", "signed"]),
    "signed, no L1": ({"l1": 0}, ["--shape", "signed"]),
    "signed, no L1, no stability": ({"l1": 0, "stability": 0}, ["--shape", "signed"]),
}

COLUMNS = ["data", "variant", "seed", "validation_error", "held_out_error", "holds", "violated", "unknown",
           "proof_cpu_s", "leaves", "zero_weights", "train_cpu_s"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    training.add_options(parser)
    parser.add_argument("--data", default=",".join(APPLICATIONS + ["linnos"]), help="data sets, separated by commas")
    parser.add_argument("--variants", default=";".join(VARIANTS), help="variants, separated by semicolons")
    parser.add_argument("--seeds", type=int, default=3, help="seeds, from 1 on")
    parser.add_argument("--hidden", default="16,16", help="widths of the hidden layers")
    parser.add_argument("--linnos-rows", type=int, default=None, help="take only the first LinnOS rows")
    parser.add_argument("--timeout", type=int, default=20, help="seconds for one network")
    parser.add_argument("--csv", default="-", help="where the lines go; - for standard output")
    parser.add_argument("--svg", help="where the picture goes")
    parser.add_argument("--table", help="where the table goes (Markdown)")
    parser.add_argument("--plot", metavar="CSV", help="measure nothing: draw this file again")
    options = parser.parse_args()
    if options.plot:
        with open(options.plot, newline="") as file:
            lines = [read(line) for line in csv.DictReader(file)]
    else:
        lines = measure(options)
    if options.svg:
        with open(options.svg, "w") as file:
            file.write(picture(lines))
    if options.table:
        with open(options.table, "w") as file:
            file.write(summary(lines) + table(lines))
    return 0


def read(line):
    return {key: value if key in ("data", "variant") else float(value) for key, value in line.items()}


def measure(options):
    variants = options.variants.split(";")
    unknown = [name for name in variants if name not in VARIANTS]
    if unknown:
        raise training.Failed(f"no variant {unknown[0]!r}; there are {'; '.join(VARIANTS)}")
    lines = []
    output = sys.stdout if options.csv == "-" else open(options.csv, "w", newline="")
    writer = csv.DictWriter(output, COLUMNS, lineterminator="\n")
    writer.writeheader()
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.data.split(","):
            settings = {}
            if name == "linnos":
                rows = training.linnos_rows(options.linnos)
                if rows is None:
                    continue
                data, specification = os.path.join(scratch, "linnos.csv"), training.LINNOS_SPECIFICATION
                training.write_rows(data, training.LINNOS_COLUMNS, rows[:options.linnos_rows])
                settings = training.LINNOS_SETTINGS
            else:
                data = os.path.join(training.ROOT, "models", name, "data.csv")
                specification = os.path.join(training.ROOT, "specs", f"{name}.yaml")
            for variant in variants:
                for seed in range(1, options.seeds + 1):
                    line = one(options, scratch, name, data, specification, variant, seed, settings)
                    writer.writerow(line)
                    output.flush()
                    lines.append(line)
                    if output is not sys.stdout:
                        print(*line.values(), flush=True)
    return lines


def one(options, scratch, name, data, specification, variant, seed, settings):
    changes, arguments = VARIANTS[variant]
    directory = os.path.join(scratch, f"{name}-{list(VARIANTS).index(variant)}-{seed}")
    run = training.train(options, directory, name, data, specification, options.hidden.split(","), seed,
                         settings | changes, arguments)
    answers = training.verify(options, run.model, specification, os.path.join(directory, "store.sqlite"),
                              options.timeout, monotone(specification))
    count = {verdict: sum(answer["verdict"] == verdict for answer in answers.values())
             for verdict in ("holds", "violated", "unknown")}
    return dict(zip(COLUMNS, [
        name, variant, seed, round(run.validation_error, 5), round(run.held_out_error, 5), count["holds"],
        count["violated"], count["unknown"], round(sum(answer["cpuSeconds"] for answer in answers.values()), 4),
        sum(answer["leaves"] for answer in answers.values()),
        round(run.report["rounds"][-1]["zeroWeightShare"], 4), round(run.cpu_seconds, 2)]))


def monotone(specification):
    """The properties that say nondecreasing or nonincreasing, by id: the specifications here have one line of each."""
    with open(specification) as file:
        lines = file.read().splitlines()
    return [line.split("id:")[1].strip() for line, following in zip(lines, lines[1:])
            if "- id:" in line and ("nondecreasing:" in following or "nonincreasing:" in following)]


def groups(lines):
    """{(data, variant): its lines}, in the order of the file."""
    result = {}
    for line in lines:
        result.setdefault((line["data"], line["variant"]), []).append(line)
    return result


def proved(line):
    return line["violated"] == 0 and line["unknown"] == 0


def summary(lines):
    """One row for each variant over all data sets; errors as the geometric mean of their ratios to the recipe's."""
    text = ("| variant | networks proved | proof CPU s of these, median | validation error against the recipe | "
            "held-out error against the recipe |\n|---|---|---|---|---|\n")
    by = groups(lines)
    for variant in VARIANTS:
        here = [(group, by[data, "recipe"]) for (data, name), group in by.items()
                if name == variant and (data, "recipe") in by]
        if not here:
            continue
        networks = [line for group, _ in here for line in group]
        good = [line["proof_cpu_s"] for line in networks if proved(line)]

        def change(key):
            logarithms = [math.log(statistics.mean(line[key] for line in group)
                                   / statistics.mean(line[key] for line in recipe)) for group, recipe in here]
            return f"{math.exp(statistics.mean(logarithms)) - 1:+.1%}".replace("-", "−").replace("%", " %")
        seconds = f"{statistics.median(good):.2f}" if good else "–"
        text += (f"| {variant} | {len(good)} of {len(networks)} | {seconds} | "
                 f"{change('validation_error')} | {change('held_out_error')} |\n")
    return text + "\n"


def table(lines):
    """One row for each data set and variant: means over the seeds, of times the medians."""
    text = ("| data | variant | networks proved | properties violated | undecided | proof CPU s, median | "
            "leaves, median | validation error | held-out error |\n|---|---|---|---|---|---|---|---|---|\n")
    for (data, variant), group in groups(lines).items():
        good = [line for line in group if proved(line)]
        def median(key):
            return f"{statistics.median(line[key] for line in good):.3g}" if good else "–"
        text += (f"| {data} | {variant} | {len(good)} of {len(group)} | {sum(int(l['violated']) for l in group)} | "
                 f"{sum(int(l['unknown']) for l in group)} | {median('proof_cpu_s')} | {median('leaves')} | "
                 f"{spread(group, 'validation_error')} | {spread(group, 'held_out_error')} |\n")
    return text


def spread(group, key):
    values = [line[key] for line in group]
    deviation = statistics.stdev(values) if len(values) > 1 else 0
    return f"{statistics.mean(values):.3f} ± {deviation:.3f}"


COLOURS = {"free": "#888888", "recipe": "#1f5fbf", "slope bound 0.2": "#2e8b57", "signed": "#c23b22"}


def picture(lines):
    """A panel for each data set: held-out error across, processor seconds of the answers up, on a logarithmic scale.

    Filled: every property proved. Hollow: some property violated or undecided (the seconds are those until then).
    """
    names = list(dict.fromkeys(line["data"] for line in lines))
    width, height, left, top, columns = 330, 260, 60, 56, 3
    rows = -(-len(names) // columns)
    total_width, total_height = columns * (width + 30) + 30, rows * (height + 74) + top
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {total_width} {total_height}" '
           f'width="{total_width}" height="{total_height}" font-family="sans-serif" font-size="11">',
           f'<rect width="{total_width}" height="{total_height}" fill="white"/>']
    legend = [("free", "free"), ("recipe", "recipe"), ("recipe, one term off", None),
              ("slope bound 0.2", "slope bound 0.2"), ("slope bound, others", "slope bound 2"), ("signed", "signed"),
              ("signed, terms off", "signed, no L1")]
    for index, (label, variant) in enumerate(legend):
        x = 40 + 148 * index
        out.append(dot(x, 18, variant or "other", True) + f'<text x="{x + 10}" y="22">{label}</text>')
    out.append('<text x="40" y="40" fill="#555">filled: every monotone property proved; hollow: not (violated, or '
               'undecided in its time); one mark for each seed</text>')
    low = math.floor(math.log10(min(max(line["proof_cpu_s"], 1e-3) for line in lines)))
    high = math.ceil(math.log10(max(line["proof_cpu_s"] for line in lines)) + 0.01)
    for index, name in enumerate(names):
        here = [line for line in lines if line["data"] == name]
        x0, y0 = left + index % columns * (width + 30), top + index // columns * (height + 74) + 14
        inner = width - 50
        least, most = min(l["held_out_error"] for l in here), max(l["held_out_error"] for l in here)
        pad = 0.05 * (most - least) or 0.01
        least, most = least - pad, most + pad

        def place(line):
            return (x0 + (line["held_out_error"] - least) / (most - least) * inner,
                    y0 + height - (math.log10(max(line["proof_cpu_s"], 1e-3)) - low) / (high - low) * height)
        out.append(f'<rect x="{x0}" y="{y0}" width="{inner}" height="{height}" fill="none" stroke="#bbb"/>'
                   f'<text x="{x0 + inner / 2}" y="{y0 - 5}" text-anchor="middle" font-weight="bold">{name}</text>'
                   f'<text x="{x0 + inner / 2}" y="{y0 + height + 32}" text-anchor="middle">'
                   'held-out error / spread</text>')
        for power in range(low, high + 1):
            y = y0 + height - (power - low) / (high - low) * height
            out.append(f'<line x1="{x0}" x2="{x0 + inner}" y1="{y:.1f}" y2="{y:.1f}" stroke="#eee"/>'
                       f'<text x="{x0 - 4}" y="{y + 4:.1f}" text-anchor="end">{10.0 ** power:g}</text>')
        out.append(f'<text x="{x0 - 38}" y="{y0 + height / 2}" text-anchor="middle" '
                   f'transform="rotate(-90 {x0 - 38} {y0 + height / 2})">proof CPU s</text>')
        for k in range(4):
            value = least + (most - least) * (k + 0.5) / 4
            x = x0 + (k + 0.5) / 4 * inner
            out.append(f'<text x="{x:.1f}" y="{y0 + height + 15}" text-anchor="middle">{value:.2f}</text>')
        order = {"free": 1, "recipe": 2, "slope bound 0.2": 3, "signed": 4}
        for line in sorted(here, key=lambda line: order.get(line["variant"], 0)):
            x, y = place(line)
            out.append(f'<g>{dot(round(x, 1), round(y, 1), line["variant"], proved(line))}'
                       f'<title>{line["variant"]}, seed {int(line["seed"])}</title></g>')
    return "\n".join(out + ["</svg>"]) + "\n"


def dot(x, y, variant, filled):
    families = {"signed": "#c98a80", "slope": "#8fc7a6"}
    colour = COLOURS.get(variant, families.get(variant.replace(",", " ").split()[0], "#8fb3e0"))
    size = 4.5 if variant in COLOURS else 3
    return (f'<circle cx="{x}" cy="{y}" r="{size}" stroke="{colour}" stroke-width="1.3" '
            f'fill="{colour if filled else "white"}"/>')


if __name__ == "__main__":
    try:
        sys.exit(main())
    except training.Failed as failure:
        print(f"error: {failure}", file=sys.stderr)
        sys.exit(2)
