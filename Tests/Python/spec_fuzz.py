#!/usr/bin/env python3
"""Throws random bytes and mutated specifications at `vpals spec check`, `fmt` and `explain`. Standard library only.

Every run must end with one of the documented exit codes, within its time, whatever the file holds. Repeatable: the same
seed makes the same files. A file that ends a program in another way is kept, and named.

  spec_fuzz.py --vpals .build/release/vpals --runs 100000 --seed 1
"""

import argparse
import glob
import os
import random
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "..", "SpecificationsTests", "Golden")
WORDS = [w.encode() for w in (
    "{", "}", "[", "]", ":", ": ", "- ", "\n", "\n  ", "\n    ", "'", '"', "..", "<=", ">=", "<", ">", "==", "!=", " ms", " s",
    " percent", "0", "-1", "1e9", "1e-400", "9" * 70, "1/0", "log2", "values: [1, 2]", "domain: 1..0", "p99", "cores",
    "&a", "*a", "!!str", "|", "#", "\u2028", "\u202e", "é", "---", "%YAML", "always:", "forall: [x, y]", "id: x",
    "for-each: {replicas: all}", "and", "or", "not", "(", ")", "((((", "*", "/", " + ", " - ", "x.", "y.cores",
    "when: ", "\t", "\r", "\x00", "😀", "\\", "req/s", "1/s", "? ", "<<: ")]


def random_bytes(source):
    alphabet = source.choice([None, b"spec:vals/1 \n\n-{}[],.'\"#&*!|>%@`?~0159e<=\\\t()"])
    count = source.randrange(400)
    return bytes(source.randrange(256) if alphabet is None else source.choice(alphabet) for _ in range(count))


def mutated(source, seeds):
    data = bytearray(source.choice(seeds))
    for _ in range(source.randint(1, 6)):
        at = source.randrange(len(data) + 1)
        end = min(len(data), at + source.randrange(12))
        kind = source.randrange(6)
        if kind == 0:
            del data[at:end]
        elif kind == 1 and at < len(data):
            data[at] = source.randrange(256)
        elif kind == 2:
            data[at:at] = source.choice(WORDS)
        elif kind == 3:
            data[at:end] = source.choice(WORDS)
        elif kind == 4:
            start = source.randrange(len(data) + 1)
            data[at:at] = data[start:start + source.randrange(80)]
        else:
            other = source.choice(seeds)
            start = source.randrange(len(other))
            data[at:end] = other[start:start + source.randrange(200)]
    return bytes(data)


def run(command, folder):
    """The exit code; None when it had to be killed."""
    try:
        return subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, timeout=300).returncode
    except subprocess.TimeoutExpired:
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--vpals", required=True)
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--batch", type=int, default=500)
    options = parser.parse_args()
    vpals = os.path.abspath(options.vpals)
    seeds = [open(path, "rb").read() for path in sorted(glob.glob(os.path.join(GOLDEN, "*.yaml")))]
    seeds += [open(path, "rb").read() for path in sorted(glob.glob(os.path.join(HERE, "..", "..", "specs", "*.yaml")))]
    # Files for the bounds of size would take most of the time.
    seeds = [data for data in seeds if len(data) < 20_000]
    source = random.Random(options.seed)
    failures, accepted = [], 0
    with tempfile.TemporaryDirectory(prefix="vpals-fuzz-") as folder:
        for first in range(0, options.runs, options.batch):
            names = []
            for number in range(first, min(first + options.batch, options.runs)):
                name = f"{number}.yaml"
                with open(os.path.join(folder, name), "wb") as file:
                    file.write(random_bytes(source) if number % 2 else mutated(source, seeds))
                names.append(name)
            jobs = [["spec", "check"], ["spec", "fmt", "--check"]]
            for job in jobs:
                if run([vpals, *job, *names], folder) not in (0, 1):
                    for name in names:
                        code = run([vpals, *job, name], folder)
                        if code not in (0, 1):
                            kept = os.path.join(tempfile.gettempdir(), f"vpals-fuzz-{options.seed}-{name}")
                            shutil.copy(os.path.join(folder, name), kept)
                            failures.append(f"{' '.join(job)} {kept}: exit code {code}")
            for name in names[:: max(1, options.batch // 10)]:
                code = run([vpals, "spec", "explain", name], folder)
                accepted += code == 0
                if code not in (0, 1):
                    failures.append(f"spec explain {name}: exit code {code}")
            for name in names:
                os.unlink(os.path.join(folder, name))
    print(f"seed {options.seed}: {options.runs} files, {len(failures)} failures")
    for failure in failures:
        print(failure)
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
