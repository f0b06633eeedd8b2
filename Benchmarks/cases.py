"""A network with a specification: runs `vpals verify` on it and checks every answer from outside. See run.py's head."""

import hashlib
import json
import os
import random
import re
import shutil
import sys
import tempfile
from fractions import Fraction

from exact_network import Network, Unreadable, digest
from exact_spec import Specification
from processes import measured

HERE = os.path.dirname(os.path.abspath(__file__))
SECOND_CHECKER = os.path.join(os.path.dirname(HERE), "Tests", "Python", "check_proof.py")
OVERTIME = 120  # seconds of wall time beyond its own limit after which a program is killed
EXIT_CODES = {"holds": 0, "violated": 1, "unknown": 3}


class Case:
    """A model and a specification in a folder, and what was found wrong, in `wrong`."""

    def __init__(self, name, model, specification, folder):
        self.name, self.folder, self.wrong = name, folder, []
        self.text = specification
        self.specification = Specification(specification)
        self.network = Network(model)
        if len(self.specification.box) != self.network.inputs:
            raise Unreadable(f"{name}: {self.network.inputs} inputs, {len(self.specification.box)} features")
        shutil.copyfile(model, os.path.join(folder, "model.onnx"))
        self.canonical_text = self.network.canonical_text()
        self._checked_again = {}

    def verify(self, options, seconds, engine="auto", threads=1, source=None):
        """One run of `vpals verify` in a folder of its own.

        A dictionary with `properties`, one dictionary each, or with `error` if there was no answer.
        """
        folder = tempfile.mkdtemp(dir=self.folder, prefix="run-")
        shutil.copyfile(os.path.join(self.folder, "model.onnx"), os.path.join(folder, "model.onnx"))
        with open(os.path.join(folder, "spec.yaml"), "w") as file:
            file.write(self.text)
        command = [os.path.join(options.bin, "vpals"), "verify", "model.onnx", "--spec", "spec.yaml", "--format", "json",
                   "--threads", str(threads), "--engine", engine, "--timeout", f"{seconds}s",
                   "--store", "sqlite:store.sqlite"] + (["--from", source] if source else [])
        run = measured(command, seconds + OVERTIME, folder)
        result = {"folder": folder, "cpu": run.cpu, "wall": run.wall, "megabytes": run.megabytes, "exit": run.code}
        try:
            report = json.loads(run.stdout)
            found = report["properties"]
            verdicts = [one["verdict"] for one in found]
            names = [one["id"] for one in found]
        except (ValueError, KeyError, TypeError):
            why = "killed: did not stop in time" if run.code is None else f"exit code {run.code}"
            return {**result, "error": f"{why}; {run.stderr.strip()[-300:]}"}
        if names != [one.id for one in self.specification.properties]:
            return {**result, "error": f"answered about {', '.join(names)}"}
        expected = next((EXIT_CODES[v] for v in ("violated", "unknown", "holds") if v in verdicts), None)
        if run.code != expected or set(verdicts) - set(EXIT_CODES):
            self.wrong.append(f"{engine}: exit code {run.code} with verdicts {', '.join(verdicts)}")
        if report.get("model") != "sha256:" + digest(self.canonical_text):
            self.wrong.append(f"{engine}: the digest is not that of the network")
        result["properties"] = [self.row(one) for one in found]
        pairs = list(zip(self.specification.properties, found, result["properties"]))
        for asked, one, row in pairs:
            if row["verdict"] == "violated":
                self.check_counterexample(engine, asked, one, row)
        if engine == "auto" and "holds" in verdicts:
            self.check_proofs(options, folder, report, pairs, result)
        return result

    @staticmethod
    def row(found):
        row = {key: found.get(key) for key in (
            "id", "verdict", "reason", "cpuSeconds", "leaves", "solverLeaves", "provedShare", "lowerBound", "repairs")}
        proof = found.get("proof") or {}
        return {**row, "proofBytes": proof.get("bytes"), "checkSeconds": proof.get("checkSeconds")}

    def complain(self, asked, what):
        alone = len(self.specification.properties) == 1
        self.wrong.append(what if alone else f"{asked.id}: {what}")

    # MARK: Counterexamples

    def check_counterexample(self, engine, asked, found, row):
        def wrong(what):
            self.complain(asked, f"{engine}: wrong counterexample: {what}")

        if asked.kind is None:
            row["unread"] = True
            return
        try:
            pair = found["counterexample"]
            x = [Fraction(v) for v in pair["x"]]
            y = [Fraction(v) for v in pair["xPrime"]] if asked.kind == "monotone" else x
            stated = {key: Fraction(pair[key]) for key in ("fx", "fxPrime", "drop") if pair.get(key) is not None}
        except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
            return wrong(f"unreadable, {error!r}")
        if len(x) != self.network.inputs or len(y) != self.network.inputs:
            return wrong("number of inputs")
        if any(not low <= v <= high for point in (x, y) for v, (low, high) in zip(point, self.specification.box)):
            wrong("outside the box")
        fx = self.network.value(x, asked.output)
        if asked.kind == "bounds":
            return self.check_value(asked, fx, stated, row, wrong)
        fy = self.network.value(y, asked.output)
        drop = asked.sign * (fx - fy)
        row["drop"] = float(drop)
        if any(a != b for i, (a, b) in enumerate(zip(x, y)) if i not in asked.features):
            wrong("differs in other features")
        if any(y[i] < x[i] for i in asked.features) or x == y:
            wrong("the feature does not rise")
        elif len(asked.features) == 1:
            feature = asked.features[0]
            row["steepest"] = str(-drop / (y[feature] - x[feature]))
            if row["lowerBound"] is not None and Fraction(row["steepest"]) < Fraction(row["lowerBound"]):
                wrong("falls more steeply than lowerBound")
        if drop <= 0:
            wrong("the output does not fall" if asked.sign > 0 else "the output does not rise")
        if stated != {"fx": fx, "fxPrime": fy, "drop": drop}:
            wrong("stated values are not those of the network")

    @staticmethod
    def check_value(asked, fx, stated, row, wrong):
        beyond = [outside - sign * fx for sign, _, outside in asked.bounds]
        row["drop"] = float(max(beyond))
        if max(beyond) <= 0:
            wrong("the output is within its bounds")
        if stated.get("fx") != fx:
            wrong("stated values are not those of the network")

    # MARK: Proofs

    def check_proofs(self, options, folder, report, pairs, result):
        """`accepted` of each property that holds: vpals-check, and what the proof is bound to."""
        held = [(asked, one, row) for asked, one, row in pairs if row["verdict"] == "holds"]

        def refuse(asked, row, what):
            row["accepted"] = False
            self.complain(asked, f"holds without an accepted proof: {what}")

        for asked, one, row in held:
            row["accepted"] = True
            self.check_binding(folder, asked, one, row, refuse)
        if not report.get("certificate"):
            for asked, _, row in held:
                refuse(asked, row, "no certificate")
            return
        certificate = os.path.join(folder, report["certificate"])
        limit = OVERTIME + 10 * sum(row["checkSeconds"] or 0 for _, _, row in held)
        run = measured([os.path.join(options.bin, "vpals-check"), certificate, "--model", "model.onnx", "--spec",
                        "spec.yaml"], limit, folder)
        result["checkerCPU"], result["checkerMegabytes"] = run.cpu, run.megabytes
        # It refuses a certificate in which a property does not hold, and says which proofs it accepted all the same.
        undecided = [asked.id for asked, _, row in pairs if row["verdict"] != "holds"]
        refused = [line for line in run.stdout.splitlines() + run.stderr.splitlines() if line.startswith("invalid:")]
        other = [line for line in refused if not any(line.startswith(f"invalid: property '{name}' is claimed to be ")
                                                     for name in undecided)]
        said = (run.stdout + run.stderr).strip()[-300:]
        for asked, _, row in held:
            if run.code != (1 if undecided else 0) or other or len(refused) != len(undecided):
                refuse(asked, row, f"vpals-check: exit code {run.code}, {said}")
            elif not self.is_listed(run.stdout, asked, row):
                refuse(asked, row, "vpals-check does not name its proof")
        for asked, one, row in held:
            if options.second_checker and row["accepted"]:
                self.check_again(options, folder, asked, one["proof"]["path"], row, refuse)

    @staticmethod
    def is_listed(text, asked, row):
        """Whether vpals-check's output has the property with the proof of this digest."""
        section = re.search(rf"^property +{re.escape(asked.id)}: claimed to be holds\n((?: +.*\n)*)", text, re.M)
        return section is not None and re.search(rf"^ +proof {row['proofDigest']}: ", section[1], re.M) is not None

    def check_binding(self, folder, asked, one, row, refuse):
        proof = one.get("proof") or {}
        path = os.path.join(folder, proof.get("path") or "")
        if not proof.get("path") or not os.path.isfile(path) or os.path.getsize(path) != proof["bytes"]:
            return refuse(asked, row, "the proof file is not there or has another size")
        with open(path, "rb") as file:
            row["proofDigest"] = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            data = file.read(1 << 10)
        # The magic, the network's digest, the number of queries, the first one's digest: docs/proof-format.md.
        bound = bytes.fromhex(digest(self.canonical_text))
        if asked.queries:
            bound += bytes([len(asked.queries)]) + bytes.fromhex(digest(asked.queries[0]))
        else:
            row["unread"] = True
        if not data.startswith(b"vpals-proof/1\n" + bound):
            refuse(asked, row, "it is bound to another network or query")

    def check_again(self, options, folder, asked, proof, row, refuse):
        """The second checker, once for equal proofs."""
        if not asked.queries:
            row["secondChecker"] = "skipped: query not read"
        elif row["proofBytes"] > options.second_checker_bytes:
            row["secondChecker"] = "skipped: larger"
        elif not os.path.exists(SECOND_CHECKER):
            row["secondChecker"] = "skipped: not there"
        else:
            key = (asked.id, row["proofDigest"])
            if key not in self._checked_again:
                self._checked_again[key] = self.run_second_checker(options, folder, asked, proof)
            cpu, said = self._checked_again[key]
            if said is None:
                row["secondChecker"] = "skipped: slower"
                return
            row["secondCheckerCPU"], row["secondChecker"] = cpu, "refused" if said else "valid"
            if said:
                refuse(asked, row, f"the second checker: {said}")

    def run_second_checker(self, options, folder, asked, proof):
        """CPU seconds, and what it says against the proof: an empty text when it accepts, None when time was up."""
        command = [sys.executable, SECOND_CHECKER, proof, "--network", "network.txt"]
        texts = {"network.txt": self.canonical_text}
        for place, query in enumerate(asked.queries):
            texts[f"query-{place}.txt"] = query
            command += ["--query", f"query-{place}.txt"]
        for name, text in texts.items():
            with open(os.path.join(folder, name), "w") as file:
                file.write(text)
        run = measured(command, options.second_checker_seconds, folder)
        if run.code is None:
            return run.cpu, None
        return run.cpu, "" if run.code == 0 else (run.stdout + run.stderr).strip()[-300:] or f"exit code {run.code}"

    # MARK: Sampling

    def sample(self, asked, points):
        """Looks for a violation at random points and corners of what holds; what it finds it confirms exactly."""
        source = random.Random(f"{self.name}:{asked.id}")
        for number in range(points if asked.kind else 0):
            x = [low + (high - low) * Fraction(source.random() if number % 2
                                               else source.choice((0.0, 1.0, source.random())))
                 for low, high in self.specification.box]
            if asked.kind == "bounds":
                value = self.network.values([float(v) for v in x])[asked.output]
                if any(sign * value < inside for sign, inside, _ in asked.bounds):
                    exact = self.network.value(x, asked.output)
                    if any(sign * exact < outside for sign, _, outside in asked.bounds):
                        return self.complain(asked, f"holds, but the value is out of bounds at {[float(v) for v in x]}")
                continue
            for feature in asked.features:
                side = -1 if x[feature] == self.specification.box[feature][1] else 1
                about = self.network.slope([float(v) for v in x], feature, side, False, asked.output)
                if asked.sign * about < 0 and asked.sign * self.network.slope(x, feature, side, True, asked.output) < 0:
                    return self.complain(asked, f"holds, but the slope is wrong at {[float(v) for v in x]}")

    def sample_bound(self, asked, row, points):
        """Looks for a slope below the lower bound that is given for what stays undecided."""
        if asked.kind != "monotone" or row.get("lowerBound") is None:
            return
        source, bound = random.Random(f"{self.name}:{asked.id}"), Fraction(row["lowerBound"])
        for _ in range(points):
            x = [low + (high - low) * Fraction(source.random()) for low, high in self.specification.box]
            for feature in asked.features:
                about = self.network.slope([float(v) for v in x], feature, 1, False, asked.output)
                if asked.sign * about < bound:
                    slope = asked.sign * self.network.slope(x, feature, 1, True, asked.output)
                    if slope < bound:
                        return self.complain(asked, f"lowerBound {float(bound):.3g}, but a slope is {float(slope):.3g}")

    def sample_all(self, points, run):
        for asked, row in zip(self.specification.properties, run["properties"]):
            if row["verdict"] == "holds":
                self.sample(asked, points)
            elif row["verdict"] == "unknown":
                self.sample_bound(asked, row, points)
