"""Runs programs and counts the processor time of all their processes. Standard library only, Linux."""

import collections
import ctypes
import math
import os
import select
import signal
import subprocess
import sys
import tempfile
import time

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
