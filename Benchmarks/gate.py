#!/usr/bin/env python3
"""How long the gate takes on a repository of many certified versions.

Makes versions of one small network, each verified, signed and logged by `vpals verify`, and runs `vpals gate` on them:
without proofs, with proofs, and offline. Prints wall and CPU seconds and the largest memory; exits 1 when a run does not
pass.

    Benchmarks/gate.py [--bin .build/release] [--versions 1000] [--keep DIR]
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def run(command, directory, log=None):
    """Runs a command; returns its status, wall and CPU seconds and its largest memory in MiB."""
    start = time.monotonic()
    process = subprocess.Popen(command, cwd=directory, stdout=log or subprocess.DEVNULL, stderr=subprocess.STDOUT)
    _, status, usage = os.wait4(process.pid, 0)
    return os.waitstatus_to_exitcode(status), time.monotonic() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def make(binary, directory, versions):
    """A repository of `versions` versions of two applications, all certified."""
    (directory / "specs").mkdir()
    for command in [["keys", "init"], ["log", "init", "--origin", "bench/models"]]:
        subprocess.run([binary / "vpals", *command], cwd=directory, check=True, stdout=subprocess.DEVNULL)
    (directory / "gate.yaml").write_text(
        "gate: vpals/v1\ntrust: trust.json\nlog: {inclusion: required, directory: .vpals/log}\n"
    )
    applications = ["nginx", "redis"]
    for application in applications:
        shutil.copy(ROOT / "specs" / f"{application}.yaml", directory / "specs")
    for number in range(versions):
        application = applications[number % 2]
        version = directory / "models" / application / f"v{number // 2 + 1:04}"
        version.mkdir(parents=True)
        shutil.copy(ROOT / "models" / application / "v0001" / "model.onnx", version)
        done = subprocess.run(
            [binary / "vpals", "verify", version.relative_to(directory)], cwd=directory, capture_output=True, text=True
        )
        if done.returncode != 0:
            sys.exit(f"{version}: {done.stdout}{done.stderr}")
        if (number + 1) % 100 == 0:
            print(f"{number + 1} of {versions} versions certified", file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--bin", type=pathlib.Path, default=ROOT / ".build/release")
    parser.add_argument("--versions", type=int, default=1000)
    parser.add_argument("--keep", type=pathlib.Path, help="make the repository here, or use the one that is here")
    options = parser.parse_args()
    binary = options.bin.resolve()
    with tempfile.TemporaryDirectory() as temporary:
        directory = options.keep or pathlib.Path(temporary)
        if not (directory / "gate.yaml").exists():
            directory.mkdir(parents=True, exist_ok=True)
            make(binary, directory, options.versions)
        bad = 0
        print("| run | wall s | CPU s | MiB |\n|---|---|---|---|")
        for name, program, arguments in [
            ("vpals gate --no-proof-check", "vpals", ["gate", "--no-proof-check"]),
            ("vpals gate --no-proof-check --offline", "vpals", ["gate", "--no-proof-check", "--offline"]),
            ("vpals gate", "vpals", ["gate"]),
            ("vpals-check gate", "vpals-check", ["gate"]),
        ]:
            status, wall, cpu, memory = run([binary / program, *arguments], directory)
            print(f"| `{name}` | {wall:.2f} | {cpu:.2f} | {memory:.0f} |")
            bad += status != 0
    if bad:
        sys.exit("a run did not pass")


if __name__ == "__main__":
    main()
