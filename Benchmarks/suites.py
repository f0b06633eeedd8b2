"""Parts of a benchmark run beside the single queries: own specifications, threads, changed networks. See run.py's head.

Each part is a function of the options that yields rows, dictionaries with `suite`, `name` and `wrong`; a row with `skip`
is a line about what was not run.
"""

import fnmatch
import json
import os
import statistics
import sys
import tempfile

import exact_network
from cases import Case
from processes import measured
from targets import RECIPE_LIMITS

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
NETWORKS = os.path.join(HERE, "networks")
LINNOS = os.path.join(HERE, "linnos.py")

MONOTONE_FEATURES = {6: 3, 12: 6, 24: 8}
THREADS = ["n12_2x32_mono_s0", "n6_4x64_mono_s0", "n12_2x64_mono_s0"]
INCREMENTAL = ["n12_2x16_pen_s0", "n12_2x32_mono_s0", "n6_3x32_mono_s0", "n12_2x64_mono_s0"]
NOISE = [0.0001, 0.001, 0.01]


def unit_box(name, feature):
    """The specification of a benchmark network and one feature."""
    inputs = int(name[1:].split("_")[0])
    lines = ["spec: vpals/v1", "features:"]
    lines += [f"  x{i}: {{index: {i}, unit: fraction, domain: 0..1}}" for i in range(inputs)]
    lines += ["outputs:", "  y: {index: 0}", "properties:", "  - id: m",
              f"    nondecreasing: {{of: y, in: x{feature}}}"]
    return "\n".join(lines) + "\n"


def chosen(options, names):
    """The networks of a part that repeats single queries: its own, or those of --nets."""
    if options.nets == ["*"]:
        return names
    every = sorted(name[:-5] for name in os.listdir(NETWORKS) if name.endswith(".onnx"))
    return [name for name in every if any(fnmatch.fnmatch(name, pattern) for pattern in options.nets)]


# MARK: Repeated runs


def repeated(options, case, seconds, **more):
    """--repeat runs; only one of what stays undecided, because a limit hit is not a time."""
    runs = []
    while len(runs) < options.repeat:
        runs.append(case.verify(options, seconds, **more))
        if "error" in runs[-1] or any(one["verdict"] == "unknown" for one in runs[-1]["properties"]):
            break
    return runs


def medians(case, runs):
    """The first run, or the first that failed, with medians over the runs that decided the same."""
    failed = next((run for run in runs if "error" in run), None)
    answers = [run for run in runs if "error" not in run]
    for asked, rows in zip(case.specification.properties, zip(*(run["properties"] for run in answers))):
        if {"holds", "violated"} <= {row["verdict"] for row in rows}:
            case.complain(asked, "verdicts differ between runs")
        if len({row["proofDigest"] for row in rows if "proofDigest" in row}) > 1:
            case.complain(asked, "proofs differ between runs")
    result = dict(failed or runs[0])
    result["runs"] = len(runs)
    if failed:
        return result
    verdicts = [[row["verdict"] for row in run["properties"]] for run in answers]
    result["undecidedRuns"] = sum("unknown" in one for one in verdicts)
    same = [run for run, one in zip(answers, verdicts) if one == verdicts[0]]
    fill(result, same, ("cpu", "wall", "megabytes", "checkerCPU", "checkerMegabytes"))
    result["properties"] = [dict(row) for row in result["properties"]]
    for place, row in enumerate(result["properties"]):
        fill(row, [run["properties"][place] for run in same], ("cpuSeconds", "checkSeconds"))
    return result


def fill(row, rows, keys):
    for key in keys:
        values = [one[key] for one in rows if one.get(key) is not None]
        if values:
            row[key] = round(statistics.median(values), 5)


# MARK: Networks with specifications of their own


def own_specification(options, suite, name, model, specification, each, most=None):
    """All properties of a network in one run, as one row. each: seconds a property; most: for all of them."""
    with tempfile.TemporaryDirectory(prefix="vpals-bench-") as folder:
        row = {"suite": suite, "name": name}
        try:
            with open(specification) as file:
                case = Case(name, model, file.read(), folder)
        except (OSError, exact_network.Unreadable, KeyError, ValueError, AttributeError, TypeError) as error:
            return {**row, "cpu": 0, "wrong": [f"not readable here: {error!r}"]}
        count = len(case.specification.properties)
        seconds = most or each * count
        row.update(limit=seconds, **medians(case, repeated(options, case, seconds)))
        row.pop("folder")
        if "error" not in row:
            case.sample_all(options.samples, row)
        return {**row, "wrong": case.wrong + ([row["error"]] if "error" in row else [])}


def recipe(options):
    folder = os.path.join(NETWORKS, "recipe")
    models = sorted(name for name in os.listdir(folder) if name.endswith(".onnx")) if os.path.isdir(folder) else []
    if not models:
        yield {"suite": "recipe", "skip": "recipe: SKIPPED, no networks in Benchmarks/networks/recipe"}
    for name in (model[:-5] for model in models):
        if any(fnmatch.fnmatch(name, pattern) for pattern in options.nets):
            most = None if not options.own_limits else 30 if options.quick else RECIPE_LIMITS.get(name)
            each = 60 if options.own_limits else options.timeout
            base = os.path.join(folder, name)
            yield own_specification(options, "recipe", name, base + ".onnx", base + ".yaml", each, most)


def models(options):
    """The certified models of the repository, in the same way as the recipe's networks."""
    folder = os.path.join(ROOT, "models")
    for application in sorted(os.listdir(folder)):
        specification = os.path.join(ROOT, "specs", application + ".yaml")
        if os.path.exists(specification) and os.path.isdir(os.path.join(folder, application)):
            for version in sorted(os.listdir(os.path.join(folder, application))):
                model = os.path.join(folder, application, version, "model.onnx")
                if os.path.exists(model):
                    yield own_specification(options, "models", f"{application}/{version}", model, specification,
                                            options.timeout)


def linnos(options):
    """Trains with Benchmarks/linnos.py, which prints a JSON line for each network, and verifies what it made."""
    def skip(why):
        return {"suite": "linnos", "skip": f"linnos: SKIPPED, {why}"}

    data = os.path.abspath(options.linnos)
    if not os.path.isdir(data):
        yield skip("the folder of the measured requests is not there (--linnos DIR)")
        return
    if not os.path.exists(LINNOS):
        yield skip("Benchmarks/linnos.py is not there")
        return
    folder = os.path.join(os.path.dirname(os.path.abspath(options.output)), "linnos")
    os.makedirs(folder, exist_ok=True)
    run = measured([sys.executable, LINNOS, "--bin", options.bin, "--linnos", data, "--out", folder, "--json",
                    "--every", "4"], 3600, ROOT)
    made = []
    for line in run.stdout.splitlines():
        try:
            one = json.loads(line) if line.startswith("{") else None
            made += [(one["variant"], one.get("heldOutR2"), os.path.join(folder, one["network"]),
                      os.path.join(folder, one["spec"]))] if one else []
        except (ValueError, KeyError, TypeError):
            pass
    if run.code != 0 or not made:
        yield {"suite": "linnos", "name": "training", "cpu": run.cpu, "wrong": [
            f"linnos.py: exit code {run.code}, {len(made)} networks; {run.stderr.strip()[-300:]}"]}
    for variant, accuracy, model, specification in made:
        row = own_specification(options, "linnos", variant, model, specification,
                                60 if options.own_limits and not options.quick else options.timeout)
        yield {**row, "heldOutR2": accuracy}


# MARK: Threads


def threads_compare(options):
    seconds = 120 if options.own_limits else options.timeout
    for name in chosen(options, THREADS):
        with tempfile.TemporaryDirectory(prefix="vpals-bench-") as folder:
            case = Case(f"{name}:0", os.path.join(NETWORKS, name + ".onnx"), unit_box(name, 0), folder)
            runs = {count: medians(case, repeated(options, case, seconds, threads=count)) for count in (1, 2)}
            row = {"suite": "threads", "name": case.name, "cpu": sum(run["cpu"] for run in runs.values()), "runs": {}}
            for count, run in runs.items():
                found = {"error": run["error"]} if "error" in run else run["properties"][0]
                row["runs"][count] = {"cpu": run["cpu"], "wall": run["wall"], "megabytes": run["megabytes"], **found}
            case.wrong += [f"{count} threads: {run['error']}" for count, run in runs.items() if "error" in run]
            one, two = row["runs"].values()
            row["same"] = compared(case, one, two)
            yield {**row, "wrong": case.wrong}


def compared(case, one, two):
    """Whether two runs of a property gave the same; what differs and must not becomes wrong."""
    verdicts = [run.get("verdict") for run in (one, two)]
    if None in verdicts or "unknown" in verdicts:
        return "not compared: undecided"
    if verdicts[0] != verdicts[1]:
        case.wrong.append(f"one thread: {verdicts[0]}, two: {verdicts[1]}")
    elif one.get("proofDigest") != two.get("proofDigest"):
        case.wrong.append("the proof depends on the number of threads")
    else:
        return "same proof" if "proofDigest" in one else "same verdict"
    return "DIFFERENT"


# MARK: Changed networks


def incremental(options):
    """A proof, then the network with noise on its weights: from scratch, and from the split tree of that proof."""
    seconds = 120 if options.own_limits else options.timeout
    for name in chosen(options, INCREMENTAL):
        with tempfile.TemporaryDirectory(prefix="vpals-bench-") as folder:
            path = os.path.join(NETWORKS, name + ".onnx")
            first = folder_in(folder, "first")
            base = Case(f"{name}:0", path, unit_box(name, 0), first)
            before = base.verify(options, seconds)
            held = "error" not in before and before["properties"][0]["verdict"] == "holds"
            row = {"suite": "incremental", "name": base.name, "noise": 0, "cpu": before["cpu"],
                   "scratch": before.get("properties", [{}])[0], "scratchCPU": before["cpu"]}
            yield {**row, "wrong": base.wrong + ([before["error"]] if "error" in before else [])}
            if not held:
                yield {"suite": "incremental", "skip": f"incremental: {base.name}: SKIPPED, no proof to start from"}
                continue
            with open(path, "rb") as file:
                data = file.read()
            for noise in NOISE:
                model = os.path.join(folder, "model.onnx")
                with open(model, "wb") as file:
                    file.write(exact_network.perturbed(data, noise, f"{name}:{noise}"))
                yield changed(options, base.name, model, noise, before, folder_in(folder, f"noise-{noise}"), seconds)


def folder_in(folder, name):
    path = os.path.join(folder, name)
    os.mkdir(path)
    return path


def changed(options, name, model, noise, before, folder, seconds):
    case = Case(f"{name}, {100 * noise:g} %", model, unit_box(name.split(":")[0], 0), folder)
    scratch = medians(case, repeated(options, case, seconds))
    continued = medians(case, repeated(options, case, seconds, source=before["folder"]))
    row = {"suite": "incremental", "name": name, "noise": noise, "cpu": scratch["cpu"] + continued["cpu"],
           "scratchCPU": scratch["cpu"], "continuedCPU": continued["cpu"]}
    for key, run in (("scratch", scratch), ("continued", continued)):
        if "error" in run:
            case.wrong.append(f"{key}: {run['error']}")
        else:
            row[key] = run["properties"][0]
            case.sample_all(options.samples, run)
    verdicts = {row[key]["verdict"] for key in ("scratch", "continued") if key in row}
    if {"holds", "violated"} <= verdicts:
        case.wrong.append("from scratch and from the earlier proof: the verdicts differ")
    return {**row, "wrong": case.wrong}
