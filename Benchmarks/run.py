#!/usr/bin/env python3
"""Runs `vpals verify` on the benchmark networks, checks every answer from outside, and tabulates what it cost.

One query per network and monotone feature: is the output non-decreasing in that feature on the whole unit box?

    run.py --bin .build/release                              every network and feature, 20 s each
    run.py --bin .build/release --quick --peers --models     what `make bench` does
    run.py --bin .build/release --targets                    the rows that have a target

What is checked, with code that vPALs has no part in:
* `holds`: `vpals-check` accepts the proof; the digests of network and query are those of the files; one-sided slopes at
  random points are not negative (a negative one counts only if exact rationals confirm it).
* `violated`: the pair lies in the box, differs in the feature only, and the output falls by the stated drop, in exact
  rationals.
* With --peers: vPALs' whole-query engine (`--engine smt`) and, where installed, HiGHS and SCIP on the slope MILP answer
  the same question on the smaller networks; points of theirs that exact rationals confirm must agree with vPALs.

Exit code: 0 every answer stood, 1 an answer is wrong, a run failed, or a `holds` has no accepted proof, 2 could not run,
130 interrupted (with the table so far). Python 3.11 and the standard library; slope_milp.py alone wants packages.
"""

import argparse
import collections
import concurrent.futures
import ctypes
import fnmatch
import hashlib
import json
import math
import multiprocessing
import os
import platform
import random
import select
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from fractions import Fraction

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
sys.path.insert(0, HERE)
from exact_network import Network, Unreadable, digest

NETWORKS = os.path.join(HERE, "networks")
SECOND_CHECKER = os.path.join(ROOT, "Tests", "Python", "check_proof.py")
PEER_PYTHON = os.path.join(ROOT, ".venv-peers", "bin", "python")
MILP = os.path.join(HERE, "slope_milp.py")

MONOTONE_FEATURES = {6: 3, 12: 6, 24: 8}
PEER_NETWORKS = ["*_2x8_*", "*_2x16_*", "*_2x32_mono_*"]
QUICK_PEER_NETWORKS = ["*_2x8_mono_*", "*_2x8_pen_*", "*_2x16_mono_*", "n12_2x32_mono_*"]
# Row: seconds to prove and check it in, and the time it is given. None: decided at all in that time.
TARGETS = {
    "n12_2x16_mono_s0:0": (0.1, 20), "n12_2x32_mono_s0:0": (4, 20), "n6_4x64_mono_s0:0": (20, 60),
    "n12_3x32_mono_s0:0": (60, 60), "n12_2x64_mono_s0:0": (60, 60), "n24_2x32_mono_s0:0": (60, 60),
}
OVERTIME = 120  # seconds of wall time beyond its own limit after which a program is killed


# MARK: Processes


Measured = collections.namedtuple("Measured", "code stdout stderr cpu wall megabytes")


def adopt_orphans():
    """Makes this process the parent of what its children leave behind, so that their processor time is counted."""
    set_child_subreaper = 36
    try:
        ctypes.CDLL(None, use_errno=True).prctl(set_child_subreaper, 1, 0, 0, 0)
    except (OSError, AttributeError):
        print("note: processor time of processes that outlive their parent is not counted here", file=sys.stderr)


def measured(command, limit, folder):
    """Runs a command in a folder; CPU seconds are those of all its processes. code is None if it had to be killed."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=folder,
                                   start_new_session=True)
        try:
            ended = wait(process.pid, limit)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        if not ended:
            os.killpg(process.pid, signal.SIGKILL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - start
        usages = [usage] + reap_orphans(process.pid)
        texts = []
        for file in (out, err):
            file.seek(0)
            texts.append(file.read().decode(errors="replace"))
        return Measured(process.returncode if ended else None, *texts, sum(u.ru_utime + u.ru_stime for u in usages),
                        wall, max(u.ru_maxrss for u in usages) / 1024)


def wait(pid, seconds):
    """Whether the child ended in time; does not collect it."""
    descriptor = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(descriptor)


def reap_orphans(group):
    """Resource usage of all children there are; the group is killed when they do not end within ten seconds."""
    usages, deadline = [], time.monotonic() + 10
    while True:
        try:
            pid, _, usage = os.wait4(-1, os.WNOHANG)
        except ChildProcessError:
            return usages
        if pid:
            usages.append(usage)
        elif time.monotonic() < deadline:
            time.sleep(0.005)
        else:
            try:
                os.killpg(group, signal.SIGKILL)
            except ProcessLookupError:
                return usages
            deadline = math.inf


# MARK: One query


def specification(inputs, feature):
    lines = ["spec: vpals/v1", "features:"]
    lines += [f"  x{i}: {{index: {i}, unit: fraction, domain: 0..1}}" for i in range(inputs)]
    lines += ["outputs:", "  y: {index: 0}", "properties:", "  - id: m",
              f"    nondecreasing: {{of: y, in: x{feature}}}"]
    return "\n".join(lines) + "\n"


class Query:
    """A network, a feature, a folder with the model and the specification, and what was found wrong."""

    def __init__(self, name, feature, folder):
        self.name, self.feature, self.folder = name, feature, folder
        self.network = Network(os.path.join(NETWORKS, name + ".onnx"))
        self.wrong = []
        shutil.copyfile(os.path.join(NETWORKS, name + ".onnx"), os.path.join(folder, "model.onnx"))
        with open(os.path.join(folder, "spec.yaml"), "w") as file:
            file.write(specification(self.network.inputs, feature))

    def verify(self, options, engine, seconds):
        """One run of `vpals verify` as a dictionary; `error` instead of a verdict if there was no answer."""
        store = tempfile.mkdtemp(dir=self.folder)
        run = measured([os.path.join(options.bin, "vpals"), "verify", "model.onnx", "--spec", "spec.yaml", "--format",
                        "json", "--threads", "1", "--engine", engine, "--timeout", f"{seconds}s", "--store",
                        f"sqlite:{store}/store.sqlite"], seconds + OVERTIME, self.folder)
        row = {"cpu": run.cpu, "wall": run.wall, "megabytes": run.megabytes, "exit": run.code}
        try:
            report = json.loads(run.stdout)
            found = report["properties"][0]
            verdict = found["verdict"]
        except (ValueError, KeyError, IndexError, TypeError):
            why = "killed: did not stop in time" if run.code is None else f"exit code {run.code}"
            return {**row, "error": f"{why}; {run.stderr.strip()[-300:]}"}
        row.update({key: found.get(key) for key in (
            "verdict", "reason", "cpuSeconds", "leaves", "solverLeaves", "provedShare", "lowerBound")})
        proof = found.get("proof") or {}
        row.update(proofBytes=proof.get("bytes"), checkSeconds=proof.get("checkSeconds"))
        if run.code != {"holds": 0, "violated": 1, "unknown": 3}.get(verdict):
            self.wrong.append(f"{engine}: exit code {run.code} with verdict {verdict}")
        if report.get("model") != "sha256:" + digest(self.network.canonical_text()):
            self.wrong.append(f"{engine}: the digest is not that of the network")
        if verdict == "violated":
            self.check_counterexample(engine, found, row)
        if verdict == "holds" and engine == "auto":
            self.check_proof(options, report, proof, row)
        if verdict not in ("holds", "violated", "unknown"):
            self.wrong.append(f"{engine}: verdict {verdict!r}")
        return row

    def check_counterexample(self, engine, found, row):
        def complain(what):
            self.wrong.append(f"{engine}: wrong counterexample: {what}")

        try:
            pair = found["counterexample"]
            x, y = ([Fraction(v) for v in pair[key]] for key in ("x", "xPrime"))
            stated = [Fraction(pair[key]) for key in ("fx", "fxPrime", "drop")]
        except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
            return complain(f"unreadable, {error!r}")
        if len(x) != self.network.inputs or len(y) != self.network.inputs:
            return complain("number of inputs")
        fx, fy = self.network.value(x), self.network.value(y)
        row["drop"] = float(fx - fy)
        row["steepest"] = str((fy - fx) / (y[self.feature] - x[self.feature])) if x[self.feature] != y[self.feature] \
            else None
        if any(not 0 <= v <= 1 for v in x + y):
            complain("outside the box")
        if any(a != b for i, (a, b) in enumerate(zip(x, y)) if i != self.feature):
            complain("differs in other features")
        if y[self.feature] <= x[self.feature]:
            complain("the feature does not rise")
        elif row["lowerBound"] is not None and Fraction(row["steepest"]) < Fraction(row["lowerBound"]):
            complain("falls more steeply than lowerBound")
        if fx - fy <= 0:
            complain("the output does not fall")
        if stated != [fx, fy, fx - fy]:
            complain("stated values are not those of the network")

    def check_proof(self, options, report, proof, row):
        def complain(what):
            row["accepted"] = False
            self.wrong.append(f"holds without an accepted proof: {what}")

        row["accepted"] = True
        if not proof.get("path") or not report.get("certificate"):
            return complain("no proof file or no certificate")
        path = os.path.join(self.folder, proof["path"])
        certificate = os.path.join(self.folder, report["certificate"])
        if not os.path.exists(path) or os.path.getsize(path) != proof["bytes"]:
            return complain("the proof file is not there or has another size")
        with open(path, "rb") as file:
            data = file.read(1 << 20)
        # The magic, the network's digest, one query, its digest: docs/proof-format.md.
        bound = bytes.fromhex(digest(self.network.canonical_text())) + b"\x01" + bytes.fromhex(
            digest(self.network.query_text(self.feature)))
        if not data.startswith(b"vpals-proof/1\n" + bound):
            complain("it is bound to another network or query")
        run = measured([os.path.join(options.bin, "vpals-check"), certificate, "--model", "model.onnx", "--spec",
                        "spec.yaml"], OVERTIME + 10 * row["checkSeconds"], self.folder)
        row["checkerCPU"] = run.cpu
        if run.code != 0:
            complain(f"vpals-check: exit code {run.code}, {(run.stdout + run.stderr).strip()[-300:]}")
        if options.second_checker and os.path.exists(SECOND_CHECKER) and proof["bytes"] <= options.second_checker:
            self.check_again(path, row, complain)

    def check_again(self, proof, row, complain):
        for name, text in (("network.txt", self.network.canonical_text()),
                           ("query.txt", self.network.query_text(self.feature))):
            with open(os.path.join(self.folder, name), "w") as file:
                file.write(text)
        run = measured([sys.executable, SECOND_CHECKER, proof, "--network", "network.txt", "--query", "query.txt"],
                       3600, self.folder)
        row["secondCheckerCPU"], row["secondChecker"] = run.cpu, "valid" if run.code == 0 else "refused"
        if run.code != 0:
            complain(f"the second checker: {(run.stdout + run.stderr).strip()[-300:]}")

    def sample(self, points):
        """Looks for a negative slope at random points and corners; what it finds it confirms exactly."""
        source = random.Random(f"{self.name}:{self.feature}")
        for number in range(points):
            x = [source.random() if number % 2 else source.choice((0.0, 1.0, source.random()))
                 for _ in range(self.network.inputs)]
            side = -1 if x[self.feature] == 1 else 1
            if self.network.slope(x, self.feature, side, exact=False) < 0:
                point = [Fraction(v) for v in x]
                if self.network.slope(point, self.feature, side) < 0:
                    self.wrong.append(f"holds, but the slope is negative at {x}")
                    return

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
        runs = [query.verify(options, "auto", seconds) for _ in range(options.repeat)]
        verdicts = {run.get("verdict") for run in runs}
        if {"holds", "violated"} <= verdicts:
            query.wrong.append("verdicts differ between runs")
        row = dict(next((run for run in runs if "error" in run), runs[0]))
        # Medians over the runs that decided, if the first one did: a limit hit is not a time.
        same = [run for run in runs if run.get("verdict") == row.get("verdict") and "error" not in run]
        for key in ("cpu", "wall", "cpuSeconds", "checkSeconds", "checkerCPU", "megabytes"):
            values = [run[key] for run in same if run.get(key) is not None]
            if values:
                row[key] = round(statistics.median(values), 4)
        row = {"query": f"{name}:{feature}", "network": name, "feature": feature, "limit": seconds,
               "runs": len(runs), "undecidedRuns": sum(run.get("verdict") == "unknown" for run in runs), **row}
        if row.get("verdict") == "holds":
            query.sample(options.samples)
        if with_peers:
            row["peers"] = {}
            smt = query.verify(options, "smt", options.peer_timeout)
            row["peers"]["smt"] = {"verdict": smt.get("verdict", "error"), "cpu": round(smt["cpu"], 4),
                                   "reason": smt.get("reason") or smt.get("error")}
            if {row.get("verdict"), smt.get("verdict")} == {"holds", "violated"}:
                query.wrong.append("the engines disagree")
            for solver in options.solvers:
                peer = query.milp(options, solver, row)
                row["peers"][solver] = {**peer, "cpu": round(peer["cpu"], 4)}
        row["wrong"] = query.wrong
        return row


# MARK: Tables


def number(value, digits=3):
    if value is None:
        return ""
    if value == 0:
        return "0"
    if abs(value) >= 10 ** digits:
        return f"{value:.0f}"
    return f"{value:.{digits}g}" if abs(value) >= 0.001 else f"{value:.1e}"


def seconds_text(value):
    return "" if value is None else f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def peer_text(peer):
    if peer is None:
        return ""
    cost = seconds_text(peer["cpu"])
    if peer["verdict"] == "unknown":
        return f"> {cost}"
    if peer["verdict"] == "error":
        return "error"
    mark = " ✗" if peer["verdict"] == "violated" else ""
    if peer.get("mistaken"):
        mark = " **mistaken**"
    elif peer.get("confirmed") is False:
        mark = " ✗ (no such slope near its point)"
    return cost + mark


def cells(row, peers):
    if "error" in row:
        values = ["error", seconds_text(row["cpu"])] + [""] * 9
    else:
        share = row["provedShare"]
        bound = row["lowerBound"]
        values = [
            row["verdict"], seconds_text(row["cpu"]), seconds_text(row["cpuSeconds"]), str(row["leaves"]),
            number(row["proofBytes"], 12), seconds_text(row["checkSeconds"]), seconds_text(row.get("checkerCPU")),
            "" if row["verdict"] == "violated" else f"{100 * share:.4g} %",
            "" if bound is None else number(float(Fraction(bound))), number(row.get("drop")),
            number(row["megabytes"])]
    values = [row["query"]] + values + [peer_text((row.get("peers") or {}).get(peer)) for peer in peers]
    return values + ["; ".join(row["wrong"]) or ("ok" if row.get("verdict") in ("holds", "violated") else "")]


HEADINGS = ["network:feature", "verdict", "CPU s", "engine s", "leaves", "proof bytes", "check s", "vpals-check s",
            "proved", "lower bound", "drop", "MB"]
PEER_HEADINGS = {"smt": "Z3, whole query", "highs": "HiGHS", "scip": "SCIP"}


def markdown(headings, rows):
    lines = ["| " + " | ".join(headings) + " |", "|" + " --- |" * len(headings)]
    return "\n".join(lines + ["| " + " | ".join(text.replace("|", "/") for text in row) + " |" for row in rows])


def results_table(rows, peers):
    return markdown(HEADINGS + [PEER_HEADINGS[p] for p in peers] + ["re-checked"], [cells(r, peers) for r in rows])


def targets_table(rows):
    lines = []
    for row in rows:
        if row["query"] not in TARGETS:
            continue
        target, _ = TARGETS[row["query"]]
        decided = row.get("verdict") in ("holds", "violated")
        cost = row["cpu"] + (row.get("checkerCPU") or 0)
        lines.append([row["query"], row.get("verdict", "error"), seconds_text(row["cpu"]),
                      seconds_text(row.get("checkerCPU")), seconds_text(cost), f"{target:g}",
                      "met" if decided and cost <= target else "not met"])
    return lines and markdown(["target row", "verdict", "CPU s", "vpals-check s", "sum", "target", ""], lines)


def peers_table(rows, peers):
    """How many of the shared queries each decided, and the ratio of CPU seconds where vPALs did."""
    lines = []
    shared = [row for row in rows if row.get("peers")]
    if not shared:
        return ""
    decided = [row for row in shared if row.get("verdict") in ("holds", "violated")]
    lines.append(["vPALs", f"{len(decided)} of {len(shared)}", seconds_text(sum(r["cpu"] for r in shared)), "", "", ""])
    for peer in peers:
        have = [row for row in shared if peer in row["peers"]]
        answered = [row for row in have if row["peers"][peer]["verdict"] in ("holds", "violated")]
        both = [row for row in answered if row in decided]
        limits = [row for row in have if row["peers"][peer]["verdict"] == "unknown" and row in decided]
        ratio = [row["peers"][peer]["cpu"] / max(row["cpu"], 1e-4) for row in both]
        ratio_limits = [row["peers"][peer]["cpu"] / max(row["cpu"], 1e-4) for row in limits]
        odd = sum(bool(row["peers"][peer].get("mistaken")) or row["peers"][peer].get("confirmed") is False
                  for row in have)
        lines.append([
            PEER_HEADINGS[peer], f"{len(answered)} of {len(have)}",
            seconds_text(sum(row["peers"][peer]["cpu"] for row in have)),
            f"{number(statistics.geometric_mean(ratio), 2)} ({len(both)})" if ratio else "",
            f"{number(statistics.geometric_mean(ratio_limits), 2)} ({len(limits)})" if ratio_limits else "", str(odd)])
    return markdown(["on the shared queries", "decided", "CPU s in all", "CPU s / vPALs' where both decide (queries)",
                     "at least, where only vPALs does (queries)", "mistaken or unconfirmed"], lines)


def totals(rows):
    """Lines of text."""
    verdicts = collections.Counter(row.get("verdict", "error") for row in rows)
    reasons = collections.Counter(row.get("reason") for row in rows if row.get("verdict") == "unknown")
    proofs = [row for row in rows if row.get("verdict") == "holds"]
    accepted = sum(bool(row.get("accepted")) for row in proofs)
    leaves = sum(row["leaves"] for row in proofs)
    data = sum(row["proofBytes"] or 0 for row in proofs)
    checking = sum(row["checkSeconds"] or 0 for row in proofs)
    again = [row["secondChecker"] for row in rows if "secondChecker" in row]
    lines = [
        f"{len(rows)} queries: {verdicts['holds']} hold, {verdicts['violated']} violated, "
        f"{verdicts['unknown']} undecided, {verdicts['error']} failed; "
        f"{sum(row['cpu'] for row in rows):.1f} CPU s, most memory {max((r['megabytes'] for r in rows), default=0):.0f} MB",
        f"proofs: {accepted} of {len(proofs)} accepted by vpals-check; {leaves} leaves, {data} bytes"
        + (f", {data / leaves:.1f} bytes a leaf, {leaves / checking:.0f} leaves/s checked" if leaves and checking else "")]
    if again:
        lines.append(f"second checker: {again.count('valid')} of {len(again)} proofs valid")
    if reasons:
        lines.append("undecided: " + ", ".join(f"{count} × {reason}" for reason, count in reasons.items()))
    return lines


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


def plan(options):
    """[(network, feature, seconds, with peers)], small networks first; a row with a target has its own time."""
    names = sorted(name[:-5] for name in os.listdir(NETWORKS) if name.endswith(".onnx"))
    names = [name for name in names if any(fnmatch.fnmatch(name, pattern) for pattern in options.nets)]

    def size(name):
        inputs, layout = name[1:].split("_")[:2]
        layers, width = map(int, layout.split("x"))
        return layers * width, int(inputs)

    peers = (QUICK_PEER_NETWORKS if options.quick else PEER_NETWORKS) if options.peers else []
    queries = []
    for name in sorted(names, key=size):
        count = MONOTONE_FEATURES[int(name[1:].split("_")[0])]
        features = range(count) if options.features == "all" else map(int, options.features.split(","))
        for feature in features:
            target = TARGETS.get(f"{name}:{feature}")
            if feature < count and (target or not options.targets):
                queries.append((name, feature, target[1] if target and options.own_limits else options.timeout,
                                any(fnmatch.fnmatch(name, pattern) for pattern in peers)))
    return queries


def arguments():
    parser = argparse.ArgumentParser(description="Benchmarks vpals verify and checks its answers.",
                                     epilog="The head of the file says what is checked.")
    add = parser.add_argument
    add("--bin", default=os.path.join(ROOT, ".build", "release"), help="folder of vpals, vpals-check, vpals-solver")
    add("--nets", default="*", help="networks, as comma-separated patterns such as 'n12_2x*_mono_s0'")
    add("--features", help="all, or numbers such as 0,2 (default: all; with --quick and --targets 0)")
    add("--timeout", type=int, help="seconds for each query (default: 20; with --quick 5; rows with a target 20 or 60)")
    add("--jobs", type=int, default=1, help="queries at the same time; times are only comparable with 1")
    add("--repeat", type=int, default=1, help="runs of each query, for medians")
    add("--quick", action="store_true", help="the first feature of each network, shorter limits: about 15 minutes")
    add("--targets", action="store_true", help="only the rows that have a target")
    add("--peers", action="store_true", help="also Z3 on whole queries, HiGHS and SCIP, on the smaller networks")
    add("--peer-timeout", type=int, help="seconds for each peer (default: 60; with --quick 10)")
    add("--eps", type=float, default=0.001, help="the MILP's question is: a slope of at most -eps (default: 0.001)")
    add("--models", action="store_true", help="also both engines on the repository's certified models")
    add("--second-checker", type=int, nargs="?", const=20_000, metavar="BYTES",
        help="also Tests/Python/check_proof.py on proofs of at most so many bytes (default: 20000); slow")
    add("--samples", type=int, default=50, help="random points at which the slope of what holds is looked at")
    add("--output", default=os.path.join(ROOT, ".build", "bench.jsonl"), help="JSON lines (default: %(default)s)")
    add("--python", help="Python with highspy and pyscipopt (default: .venv-peers, or this one)")
    options = parser.parse_args()
    # A limit that is asked for holds for all rows.
    options.own_limits = options.timeout is None
    options.timeout = options.timeout or (5 if options.quick else 20)
    options.peer_timeout = options.peer_timeout or (10 if options.quick else 60)
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


def main():
    options = arguments()
    found = programs(options)
    heading = [f"{found['version']}, programs {found['vpals']} {found['vpals-check']} {found['vpals-solver']}",
               f"{processor()}, {platform.system()} {platform.release()}, load {os.getloadavg()[0]:.1f}",
               *find_peers(options)]
    if options.second_checker and not os.path.exists(SECOND_CHECKER):
        heading.append("MISSING second checker: Tests/Python/check_proof.py is not there")
    if options.jobs > 1:
        heading.append(f"note: {options.jobs} queries at the same time; times are not comparable")
    print("\n".join(heading), file=sys.stderr, flush=True)
    queries = plan(options)
    if not queries:
        print("error: no network matches", file=sys.stderr)
        sys.exit(2)
    rows, interrupted, wrong = [], False, []
    model_text = None
    start = time.monotonic()
    os.makedirs(os.path.dirname(os.path.abspath(options.output)), exist_ok=True)
    with open(options.output, "w") as file:
        print(json.dumps({"programs": found, "heading": heading, "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                          "options": {k: v for k, v in vars(options).items() if k not in ("bin", "output", "python")}}),
              file=file, flush=True)
        try:
            for row in results(options, queries):
                rows.append(row)
                print(json.dumps(row), file=file, flush=True)
                print(f"  {len(rows)}/{len(queries)} {row['query']}: {row.get('verdict', row.get('error'))}, "
                      f"{seconds_text(row['cpu'])} CPU s" + "".join(f"\n    WRONG: {w}" for w in row["wrong"]),
                      file=sys.stderr, flush=True)
            if options.models:
                model_text, wrong = compare_models(options)
        except KeyboardInterrupt:
            interrupted = True
            print("interrupted; the results so far:", file=sys.stderr)
    peers = ["smt"] + options.solvers if options.peers else []
    parts = ["\n".join(f"- {line}" for line in heading), results_table(rows, peers), targets_table(rows),
             peers_table(rows, peers), model_text,
             "\n".join(f"- {line}" for line in totals(rows) + [f"{time.monotonic() - start:.0f} s of wall time"])]
    for row in rows:
        wrong += [f"{row['query']}: {what}" for what in row["wrong"] + ([row["error"]] if "error" in row else [])]
        wrong += [f"{row['query']}: note: {PEER_HEADINGS[p]} says holds, but {peer['mistaken']}"
                  for p, peer in (row.get("peers") or {}).items() if peer.get("mistaken")]
    notes = [line for line in wrong if ": note: " in line]
    wrong = [line for line in wrong if line not in notes]
    if notes:
        parts.append("\n".join(f"- {line}" for line in notes))
    parts.append("\n".join(["**WRONG OR FAILED:**", ""] + [f"- {line}" for line in wrong]) if wrong else
                 "No wrong answer; every `holds` has an accepted proof.")
    print("\n\n".join(part for part in parts if part))
    sys.exit(130 if interrupted else 1 if wrong else 0)


if __name__ == "__main__":
    try:
        main()
    except (OSError, Unreadable) as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
