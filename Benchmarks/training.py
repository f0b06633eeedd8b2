"""What the scripts that train networks share: rows, runs of `vpals-train` and `vpals verify`, and their figures."""

import csv
import json
import math
import os
import resource
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)

# Where the LinnOS rows lie unless --linnos or LINNOS names another place; they are no part of the project.
LINNOS = os.path.join("..", "shared", "data", "linnos")
LINNOS_SPECIFICATION = os.path.join(HERE, "linnos", "linnos.yaml")
LINNOS_COLUMNS = ("queue_4 queue_3 queue_2 queue_1 queue latency_4 latency_3 latency_2 latency_1 latency").split()

# What the recipe needs on tens of thousands of rows: few epochs of larger batches.
LINNOS_SETTINGS = {
    "starts": 1, "epochs": 16, "minimumEpochs": 8, "fineTuningEpochs": 4, "batchSize": 64, "learningRate": 0.004,
    "probePoints": 512,
}

# The recipe without any of its terms: what a network is like that nobody trains for proof. With --unconstrained.
FREE_SETTINGS = {"l1": 0, "stability": 0, "weightDecay": 0, "pruneBelow": 0, "gridBits": 24, "biasBits": 24}


class Failed(Exception):
    """A program that did not do what it was asked for."""


def add_options(parser):
    parser.add_argument("--bin", default=os.path.join(ROOT, ".build", "release"), help="where the programs lie")
    parser.add_argument("--linnos", default=os.environ.get("LINNOS", os.path.join(ROOT, LINNOS)),
                        help="the directory of linnos.csv; default $LINNOS or ../shared/data/linnos")


def linnos_rows(directory):
    """The LinnOS rows as lists of integers in the file's order, or None with a message when they are not there."""
    path = os.path.join(directory, "linnos.csv")
    if not os.path.isfile(path):
        print(f"skipped: {path} is not there; --linnos DIR names the directory of the LinnOS rows (MIT licence, "
              "repository Khoury-srg/Ouroboros, data/linnos)", file=sys.stderr)
        return None
    with open(path, newline="") as file:
        return [[int(field) for field in row] for row in csv.reader(file) if row]


def write_rows(path, columns, rows):
    """A data file with the column `t` in front, in steps of one second: the order of the rows is the order in time."""
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["t"] + list(columns))
        for t, row in enumerate(rows):
            writer.writerow([t] + list(row))


class Run:
    """One trained version: its directory, its report and the processor seconds that the command took."""

    def __init__(self, directory, report, cpu_seconds):
        self.directory, self.report, self.cpu_seconds = directory, report, cpu_seconds

    @property
    def model(self):
        return os.path.join(self.directory, "model.onnx")

    @property
    def validation_error(self):
        return self.report["validationError"]

    @property
    def held_out_r2(self):
        """One number for each output."""
        scores = next(score for score in self.report["scores"] if score["name"] == "network")
        return [output["rSquared"] for output in scores["outputs"]]

    @property
    def held_out_error(self):
        """Root mean square error over the spread of the held-out rows, over all outputs: sqrt(mean(1 - R²))."""
        return math.sqrt(sum(1 - r2 for r2 in self.held_out_r2) / len(self.held_out_r2))


def _program(options, name, arguments, accepted=(0,)):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run([os.path.join(options.bin, name)] + arguments, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in accepted:
        raise Failed(f"{name} {' '.join(arguments)}: exit {done.returncode}\n{done.stdout[-500:]}{done.stderr[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, cpu


def train(options, directory, application, data, specification, hidden, seed, settings, arguments=(), accepted=(0,)):
    """Trains one version into `directory`; None when the command ends without one."""
    os.makedirs(directory, exist_ok=True)
    path = os.path.join(directory, "settings.json")
    with open(path, "w") as file:
        json.dump(settings, file)
    output, cpu = _program(options, "vpals-train", [
        application, "--data", data, "--spec", specification, "--models", os.path.join(directory, "models"),
        "--store", f"sqlite:{directory}/store.sqlite", "--hidden", ",".join(map(str, hidden)), "--seed", str(seed),
        "--settings", path, "--threads", "1", "--format", "json", "--skip-unverified", *arguments], accepted)
    outcome = json.loads(output)
    return Run(outcome["path"], outcome["report"], cpu) if outcome.get("path") else None


def verify(options, model, specification, store, seconds, properties=()):
    """The answers of `vpals verify`, one thread, by property: the objects of its JSON."""
    arguments = ["verify", model, "--spec", specification, "--store", f"sqlite:{store}", "--threads", "1", "--format",
                 "json", "--timeout", f"{seconds}s"]
    for name in properties:
        arguments += ["--property", name]
    output, _ = _program(options, "vpals", arguments, accepted=(0, 1, 3))
    return {answer["id"]: answer for answer in json.loads(output)["properties"]}
