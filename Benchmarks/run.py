#!/usr/bin/env python3
"""Runs `vpals verify` on the benchmark networks, checks every answer from outside, and tabulates what it cost.

One query per network and monotone feature: is the output non-decreasing in that feature on the whole unit box?

    run.py --bin .build/release                              every network and feature, 20 s each
    run.py --bin .build/release --quick --peers --models     most of what `make bench` does
    run.py --bin .build/release --targets --peers --recipe   the rows that have a target, medians of three runs
    run.py --bin .build/release --recipe                     networks with specifications of their own, networks/recipe
    run.py --bin .build/release --linnos                     the LinnOS-shaped predictors, where their data are
    run.py --bin .build/release --threads-compare            one thread and two: the same proofs, and the gain
    run.py --bin .build/release --incremental                slightly changed networks, from scratch and with --from

The last four alone do nothing else; with --quick, --targets, --nets or --features they come after the queries.

What is checked, with code that vPALs has no part in:
* `holds`: `vpals-check` accepts the proof; the digests of network and queries are those of the files; one-sided slopes
  (or values) at random points are right (a wrong one counts only if exact rationals confirm it). With --second-checker
  also Tests/Python/check_proof.py accepts it, unless the proof is larger than --second-checker-bytes or takes it longer
  than --second-checker-seconds; how many were left out is printed.
* `violated`: the pair lies in the box, differs in the feature only, and the output falls by the stated drop, in exact
  rationals; for bounds, the value at the point is beyond them.
* undecided: no slope at a random point is below the certified lower bound.
* With --repeat: the runs agree, and their proofs are the same bytes; --threads-compare: with two threads too.
* With --peers: vPALs' whole-query engine (`--engine smt`) and, where installed, HiGHS and SCIP on the slope MILP answer
  the same question on the smaller networks; points of theirs that exact rationals confirm must agree with vPALs.

CPU seconds are those of all processes, measured from outside; engine and check seconds are what vPALs says.

Exit code: 0 every answer stood, 1 an answer is wrong, a run failed, or a `holds` has no accepted proof, 2 could not
run, 130 interrupted (with the tables so far). Python 3.11 and the standard library; slope_milp.py alone wants packages.
"""

import argparse
import concurrent.futures
import fnmatch
import hashlib
import json
import multiprocessing
import os
import platform
import random
import shlex
import subprocess
import sys
import tempfile
import time
from fractions import Fraction

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, HERE)
import suites
from cases import OVERTIME, SECOND_CHECKER, Case
from exact_network import Unreadable
from processes import adopt_orphans, measured
from tables import (PEER_HEADINGS, incremental_table, markdown, number, own_table, peers_table, results_table,
                    second_checker_lines, seconds_text, skipped, threads_table, totals)
from targets import QUERIES as TARGETS, REFUTED, targets_table

NETWORKS = os.path.join(HERE, "networks")
PEER_PYTHON = os.path.join(ROOT, ".venv-peers", "bin", "python")
MILP = os.path.join(HERE, "slope_milp.py")

PEER_NETWORKS = ["*_2x8_*", "*_2x16_*", "*_2x32_mono_*"]
QUICK_PEER_NETWORKS = ["*_2x8_mono_*", "*_2x8_pen_*", "*_2x16_mono_*", "n12_2x32_mono_*"]


# MARK: One query


class Query(Case):
    """A benchmark network and one of its monotone features."""

    def __init__(self, name, feature, folder):
        self.feature = feature
        model = os.path.join(NETWORKS, name + ".onnx")
        super().__init__(f"{name}:{feature}", model, suites.unit_box(name, feature), folder)

    def run(self, options, engine, seconds):
        """One run as one dictionary."""
        run = self.verify(options, seconds, engine)
        return run if "error" in run else {**run, **run["properties"][0]}

    def steepest_near(self, x):
        """The least exact slope at a point, or beside it: a solver's point often lies on kinks, with slopes that
        belong to the pieces beside it."""
        source = random.Random(0)
        best = None
        for radius in [0.0] + [10.0 ** -e for e in (9, 7, 5, 4, 3, 2) for _ in range(30)]:
            beside = [min(1.0, max(0.0, v + source.uniform(-radius, radius))) for v in x]
            for side in (1, -1):
                if beside[self.feature] == (side + 1) // 2:
                    continue
                if best is not None and self.network.slope(beside, self.feature, side, exact=False) >= best:
                    continue
                slope = self.network.slope([Fraction(v) for v in beside], self.feature, side)
                best = slope if best is None else min(best, slope)
            if best is not None and best < 0:
                return best
        return best

    def milp(self, options, solver, row):
        """A peer's answer as a dictionary, judged against vPALs' row."""
        run = measured([options.python, MILP, solver, "model.onnx", str(self.feature), "--limit",
                        str(options.peer_timeout), "--eps", str(options.eps)], 4 * options.peer_timeout + OVERTIME,
                       self.folder)
        try:
            result = json.loads(run.stdout)
        except ValueError:
            return {"verdict": "error", "cpu": run.cpu, "reason": run.stderr.strip()[-300:] or f"exit code {run.code}"}
        peer = {"verdict": {"none": "holds", "point": "violated", "limit": "unknown"}.get(result["answer"], "error"),
                "cpu": run.cpu, "binaries": result["binaries"], "reason": result["answer"]}
        if "x" in result:
            slope = self.steepest_near(result["x"])
            peer["slope"] = float(slope)
            peer["confirmed"] = slope < 0
            if peer["confirmed"] and row.get("verdict") == "holds":
                self.wrong.append(f"holds, but {solver} found a point of exact slope {peer['slope']:.3g}")
        steepest = row.get("steepest")
        if peer["verdict"] == "holds" and steepest and Fraction(steepest) <= -Fraction(str(options.eps)):
            peer["mistaken"] = f"a slope of {float(Fraction(steepest)):.3g} exists"
        return peer


def decide(options, name, feature, seconds, with_peers):
    """All runs of one query, as one row."""
    with tempfile.TemporaryDirectory(prefix="vpals-bench-") as folder:
        query = Query(name, feature, folder)
        runs = suites.repeated(options, query, seconds)
        run = suites.medians(query, runs)
        row = {"query": query.name, "network": name, "feature": feature, "limit": seconds, **run}
        row.pop("folder")
        if "error" not in row:
            row.update(row.pop("properties")[0])
            query.sample_all(options.samples, run)
        if with_peers:
            row["peers"] = {}
            smt = query.run(options, "smt", options.peer_timeout)
            row["peers"]["smt"] = {"verdict": smt.get("verdict", "error"), "cpu": round(smt["cpu"], 4),
                                   "reason": smt.get("reason") or smt.get("error")}
            if {row.get("verdict"), smt.get("verdict")} == {"holds", "violated"}:
                query.wrong.append("the engines disagree")
            for solver in options.solvers:
                peer = query.milp(options, solver, row)
                row["peers"][solver] = {**peer, "cpu": round(peer["cpu"], 4)}
        row["wrong"] = query.wrong
        return row


# MARK: The certified models


def compare_models(options):
    """Both engines on the repository's certified models, property by property; (text, what is wrong)."""
    rows, wrong, sums, with_limits = [], [], [0.0, 0.0], False
    models = os.path.join(ROOT, "models")
    for application in sorted(os.listdir(models)):
        folder = os.path.join(models, application)
        spec = os.path.join(ROOT, "specs", application + ".yaml")
        if not os.path.isdir(folder) or not os.path.exists(spec):
            continue
        with open(spec) as file:
            properties = [line.split("id:")[1].strip() for line in file if line.lstrip().startswith("- id:")]
        for version in sorted(v for v in os.listdir(folder) if v.startswith("v")):
            for prop in properties:
                found = [model_property(options, os.path.join(folder, version), spec, prop, engine)
                         for engine in ("auto", "smt")]
                auto, smt = found
                if None in found:
                    wrong.append(f"{application}/{version} {prop}: no answer")
                    continue
                sums = [total + one["cpuSeconds"] for total, one in zip(sums, found)]
                limit = "> " if smt["verdict"] == "unknown" else ""
                with_limits = with_limits or bool(limit)
                if {auto["verdict"], smt["verdict"]} == {"holds", "violated"}:
                    wrong.append(f"{application}/{version} {prop}: the engines disagree")
                if auto["verdict"] == "holds" and not (auto.get("proof") or {}).get("checked"):
                    wrong.append(f"{application}/{version} {prop}: holds without a checked proof")
                ratio = smt["cpuSeconds"] / max(auto["cpuSeconds"], 1e-4)
                rows.append([f"{application}/{version}", prop, auto["verdict"], str(auto["leaves"]),
                             f"{auto['cpuSeconds']:.3f}", limit + f"{smt['cpuSeconds']:.2f}", limit + number(ratio, 2)])
                print(f"  {application}/{version} {prop}: {auto['verdict']}", file=sys.stderr, flush=True)
    text = markdown(["model", "property", "verdict", "leaves", "engine s", "Z3, whole query, s", "ratio"], rows)
    if sums[0] > 0:
        least = "at least " if with_limits else ""
        text += (f"\n\n{len(rows)} properties: engine {sums[0]:.2f} CPU s, whole Z3 queries {least}{sums[1]:.2f}, "
                 f"ratio {least}{sums[1] / sums[0]:.0f}")
    return text, wrong


def model_property(options, model, spec, prop, engine):
    with tempfile.TemporaryDirectory(prefix="vpals-bench-") as folder:
        run = measured([os.path.join(options.bin, "vpals"), "verify", model, "--spec", spec, "--property", prop,
                        "--engine", engine, "--timeout", f"{options.timeout}s", "--threads", "1", "--format", "json",
                        "--store", f"sqlite:{folder}/store.sqlite"], options.timeout + OVERTIME, folder)
        try:
            return json.loads(run.stdout)["properties"][0]
        except (ValueError, KeyError, IndexError, TypeError):
            print(run.stderr.strip()[-300:], file=sys.stderr)
            return None


# MARK: Command line


SUITES = ("recipe", "linnos", "threads_compare", "incremental")


def plan(options):
    """[(network, feature, seconds, with peers)], small networks first; a row with a target has its own time."""
    if any(getattr(options, suite) for suite in SUITES) and not (options.all or options.quick or options.targets):
        return []
    names = sorted(name[:-5] for name in os.listdir(NETWORKS) if name.endswith(".onnx"))
    names = [name for name in names if any(fnmatch.fnmatch(name, pattern) for pattern in options.nets)]

    def size(name):
        inputs, layout = name[1:].split("_")[:2]
        layers, width = map(int, layout.split("x"))
        return layers * width, int(inputs)

    peers = (QUICK_PEER_NETWORKS if options.quick else PEER_NETWORKS) if options.peers else []
    queries = []
    for name in sorted(names, key=size):
        count = suites.MONOTONE_FEATURES[int(name[1:].split("_")[0])]
        features = range(count) if options.features == "all" else set(map(int, options.features.split(",")))
        for feature in range(count):
            query = f"{name}:{feature}"
            target = TARGETS.get(query)
            is_refuted = options.targets and query in REFUTED
            seconds = target[1] if target and options.own_limits else options.timeout
            if is_refuted or feature in features and (target or not options.targets):
                queries.append((name, feature, seconds, options.peers and is_refuted or any(
                    fnmatch.fnmatch(name, pattern) for pattern in peers)))
    return queries


def arguments():
    parser = argparse.ArgumentParser(description="Benchmarks vpals verify and checks its answers.",
                                     epilog="The head of the file says what is checked.")
    add = parser.add_argument
    add("--bin", default=os.path.join(ROOT, ".build", "release"), help="folder of vpals, vpals-check, vpals-solver")
    add("--nets", default="*", help="networks, as comma-separated patterns such as 'n12_2x*_mono_s0'")
    add("--features", help="all, or numbers such as 0,2 (default: all; with --quick and --targets 0)")
    add("--timeout", type=int, help="seconds for each query or property (default: 20; with --quick 5; rows with a "
        "target 20 or 60; own specifications 60, at most 300 for the largest networks, with --quick 30 for each "
        "network; --threads-compare and --incremental 120)")
    add("--jobs", type=int, default=1, help="queries at the same time; times are only comparable with 1")
    add("--repeat", type=int, help="runs of what is decided, for medians (default: 1; with --targets 3)")
    add("--all", action="store_true", help="every network and feature (the default, unless a part below is asked for)")
    add("--quick", action="store_true", help="the first feature of each network, shorter limits: about 15 minutes")
    add("--targets", action="store_true", help="only the rows that have a target, and the table of targets; with "
        "--peers also those of counterexamples; add --recipe for the rows of its networks")
    add("--recipe", action="store_true", 
        help="all properties of each network in networks/recipe, NAME.onnx with NAME.yaml")
    add("--linnos", nargs="?", const=os.path.join(ROOT, "..", "shared", "data", "linnos"), metavar="DIR",
        help="trains LinnOS-shaped predictors on the requests in DIR with linnos.py, and verifies them "
        "(default: ../shared/data/linnos beside the project)")
    add("--threads-compare", action="store_true", help="a few networks with one thread and two: proofs must be equal")
    add("--incremental", action="store_true", help="a few networks with noise on the weights: from scratch and --from")
    add("--peers", action="store_true", help="also Z3 on whole queries, HiGHS and SCIP, on the smaller networks")
    add("--peer-timeout", type=int, help="seconds for each peer (default: 60; with --quick 10)")
    add("--eps", type=float, default=0.001, help="the MILP's question is: a slope of at most -eps (default: 0.001)")
    add("--models", action="store_true", help="also the repository's certified models: all answers checked, and both "
        "engines on each property")
    add("--second-checker", action="store_true", help="also Tests/Python/check_proof.py on each proof; slow")
    add("--second-checker-bytes", type=int, default=300_000, metavar="BYTES",
        help="skip larger proofs there, and say how many (default: %(default)s)")
    add("--second-checker-seconds", type=float, default=120, metavar="S",
        help="give up on a proof there after S seconds, and say how many (default: %(default)s)")
    add("--samples", type=int, default=50, help="random points at which what holds is looked at (default: %(default)s)")
    add("--output", default=os.path.join(ROOT, ".build", "bench.jsonl"), help="JSON lines (default: %(default)s)")
    add("--markdown", metavar="FILE", help="write the tables to this file too, with the machine and the command")
    add("--python", help="Python with highspy and pyscipopt (default: .venv-peers, or this one)")
    options = parser.parse_args()
    # A limit that is asked for holds for all rows.
    options.own_limits = options.timeout is None
    options.timeout = options.timeout or (5 if options.quick else 20)
    options.peer_timeout = options.peer_timeout or (10 if options.quick else 60)
    options.repeat = (3 if options.targets else 1) if options.repeat is None else options.repeat
    options.features = options.features or ("0" if options.quick or options.targets else "all")
    options.nets = options.nets.split(",")
    options.python = options.python or (PEER_PYTHON if os.path.exists(PEER_PYTHON) else sys.executable)
    options.bin = os.path.abspath(options.bin)
    if options.jobs < 1 or options.repeat < 1:
        parser.error("--jobs and --repeat are at least 1")
    return options


def find_peers(options):
    """The MILP solvers that can be imported, and lines saying what runs and what is missing."""
    options.solvers, lines = [], []
    if not options.peers:
        return lines
    lines.append(f"peer: Z3 on the whole query (vpals verify --engine smt), {options.peer_timeout} s")
    for solver in ("highs", "scip"):
        run = subprocess.run([options.python, MILP, solver, "--version"], capture_output=True, text=True)
        if run.returncode == 0:
            options.solvers.append(solver)
            lines.append(f"peer: {run.stdout.strip()}, slope MILP with eps {options.eps:g}, {options.peer_timeout} s")
        else:
            lines.append(f"MISSING peer: {PEER_HEADINGS[solver]} is not installed (make bench-peers)")
    return lines


def programs(options):
    """Name, version and digest of what is measured; exits if a program is missing."""
    result = {}
    for name in ("vpals", "vpals-check", "vpals-solver"):
        path = os.path.join(options.bin, name)
        if not os.access(path, os.X_OK):
            print(f"error: {path} is missing; run make release, or name the folder with --bin", file=sys.stderr)
            sys.exit(2)
        with open(path, "rb") as file:
            result[name] = hashlib.file_digest(file, "sha256").hexdigest()[:12]
    run = subprocess.run([os.path.join(options.bin, "vpals"), "--version"], capture_output=True, text=True)
    return {"version": run.stdout.strip(), **result}


def processor():
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.split(":")[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def one(job):
    options, query = job
    return decide(options, *query)


def results(options, queries):
    """Rows in the order of the queries."""
    jobs = [(options, query) for query in queries]
    if options.jobs == 1:
        adopt_orphans()
        yield from map(one, jobs)
        return
    with concurrent.futures.ProcessPoolExecutor(
            options.jobs, mp_context=multiprocessing.get_context("fork"), initializer=adopt_orphans) as pool:
        yield from pool.map(one, jobs)


def command():
    """The arguments of this run, without places of this machine."""
    words, result = sys.argv[1:], []
    places = ("--bin", "--output", "--markdown", "--python")
    while words:
        word = words.pop(0)
        if word.split("=")[0] in places:
            words = words if "=" in word else words[1:]
        elif word.split("=")[0] == "--linnos":
            result.append("--linnos")
            words = words if "=" in word or not words or words[0].startswith("-") else words[1:]
        else:
            result.append(word)
    return shlex.join(["Benchmarks/run.py"] + result)


class Report:
    """Prints progress and writes JSON lines."""

    def __init__(self, file):
        self.file, self.suites = file, {}

    def write(self, row):
        print(json.dumps(row), file=self.file, flush=True)

    def progress(self, text, wrong=()):
        print(f"  {text}" + "".join(f"\n    WRONG: {one}" for one in wrong), file=sys.stderr, flush=True)

    def run(self, name, rows):
        """All rows of a part; an interruption keeps those that there are."""
        self.suites[name] = []
        for row in rows:
            self.suites[name].append(row)
            self.write(row)
            if "skip" in row:
                self.progress(row["skip"])
            else:
                self.progress(f"{name} {row['name']}: {seconds_text(row['cpu'])} CPU s", row["wrong"])

    def rows(self, *names):
        return [row for name in names for row in self.suites.get(name, []) if "skip" not in row]


def properties_of(row):
    """The properties that a part's row is about."""
    return row.get("properties", []) + [row[key] for key in ("scratch", "continued") if key in row] + list(
        (row.get("runs") or {}).values() if isinstance(row.get("runs"), dict) else [])


def run_parts(options, queries, report):
    """Rows of the queries, the text about the models, what is wrong there, and whether it was interrupted."""
    rows, text, wrong = [], None, []
    try:
        for row in results(options, queries):
            rows.append(row)
            report.write(row)
            report.progress(f"{len(rows)}/{len(queries)} {row['query']}: {row.get('verdict', row.get('error'))}, "
                            f"{seconds_text(row['cpu'])} CPU s", row["wrong"])
        adopt_orphans()
        for suite in SUITES:
            if getattr(options, suite):
                report.run(suite, getattr(suites, suite)(options))
        if options.models:
            report.run("models", suites.models(options))
            text, wrong = compare_models(options)
    except KeyboardInterrupt:
        print("interrupted; the results so far:", file=sys.stderr)
        return rows, text, wrong, True
    return rows, text, wrong, False


def sections(options, rows, report, model_text, heading, seconds):
    """[(title, text)]; empty texts are left out."""
    peers = ["smt"] + options.solvers if options.peers else []
    own = report.rows("recipe", "linnos", "models")
    properties = rows + [one for suite in report.suites for row in report.rows(suite) for one in properties_of(row)]
    parts = [("", "\n".join(f"- {line}" for line in heading))]
    if rows:
        parts += [("Queries", results_table(rows, peers)), ("Peers", peers_table(rows, peers))]
    targets = targets_table(rows, report.rows("recipe"), options)
    if options.targets or options.recipe or any(row["query"] in TARGETS for row in rows):
        parts.append(("Targets", targets))
    for title, name, table in (
            ("Networks with specifications of their own", "recipe", own_table), ("LinnOS", "linnos", own_table),
            ("Threads", "threads_compare", threads_table), ("Changed networks", "incremental", incremental_table),
            ("Certified models", "models", own_table)):
        found = report.suites.get(name, [])
        text = "\n\n".join(part for part in (skipped(found), table(found)) if part)
        parts.append((title, text + (f"\n\n{model_text}" if name == "models" and model_text else "")))
    lines = (totals(rows) if rows else []) + second_checker_lines(properties)
    if own:
        lines.append(f"{sum(len(row.get('properties', [])) for row in own)} properties of {len(own)} networks with own "
                     f"specifications: {sum(row['cpu'] for row in own):.1f} CPU s")
    parts.append(("In all", "\n".join(f"- {line}" for line in lines + [f"{seconds:.0f} s of wall time"])))
    return [(title, text) for title, text in parts if text]


def write_markdown(path, parts, conclusion):
    with open(path, "w") as file:
        file.write(f"# Measurements\n\n{processor()}, {os.cpu_count()} cores. Repeated by `{command()}`.\n")
        for title, text in parts:
            file.write(f"\n## {title}\n\n{text}\n" if title else f"\n{text}\n")
        file.write(f"\n{conclusion}\n")


def main():
    options = arguments()
    found = programs(options)
    heading = [f"{found['version']}, programs {found['vpals']} {found['vpals-check']} {found['vpals-solver']}",
               *find_peers(options)]
    machine = f"{processor()}, {platform.system()} {platform.release()}, load {os.getloadavg()[0]:.1f}"
    if options.second_checker and not os.path.exists(SECOND_CHECKER):
        heading.append("MISSING second checker: Tests/Python/check_proof.py is not there")
    if options.jobs > 1:
        heading.append(f"note: {options.jobs} queries at the same time; times are not comparable")
    print("\n".join([machine] + heading), file=sys.stderr, flush=True)
    queries = plan(options)
    if not queries and not any(getattr(options, suite) for suite in SUITES):
        print("error: no network matches", file=sys.stderr)
        sys.exit(2)
    start = time.monotonic()
    os.makedirs(os.path.dirname(os.path.abspath(options.output)), exist_ok=True)
    with open(options.output, "w") as file:
        report = Report(file)
        report.write({"programs": found, "heading": [machine] + heading,
                      "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                      "options": {k: v for k, v in vars(options).items() if k not in ("bin", "output", "python")}})
        rows, model_text, wrong, interrupted = run_parts(options, queries, report)
    for row in rows:
        wrong += [f"{row['query']}: {what}" for what in row["wrong"] + ([row["error"]] if "error" in row else [])]
    wrong += [f"{name} {row['name']}: {what}" for name in report.suites for row in report.rows(name)
              for what in row["wrong"]]
    notes = [f"{row['query']}: {PEER_HEADINGS[p]} says holds, but {peer['mistaken']}" for row in rows
             for p, peer in (row.get("peers") or {}).items() if peer.get("mistaken")]
    parts = sections(options, rows, report, model_text, heading, time.monotonic() - start)
    if notes:
        parts.append(("Notes", "\n".join(f"- {line}" for line in notes)))
    conclusion = "No wrong answer; every `holds` has an accepted proof."
    if wrong:
        conclusion = "\n".join(["**WRONG OR FAILED:**", ""] + [f"- {line}" for line in wrong])
    elif not rows and not any(report.rows(name) for name in report.suites):
        conclusion = "Nothing was run."
    print("\n\n".join([f"- {machine}"] + [f"## {title}\n\n{text}" if title else text for title, text in parts]
                      + [conclusion]))
    if options.markdown:
        write_markdown(options.markdown, parts, conclusion)
    sys.exit(130 if interrupted else 1 if wrong else 0)


if __name__ == "__main__":
    try:
        main()
    except (OSError, Unreadable) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
