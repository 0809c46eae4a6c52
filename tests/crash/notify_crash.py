#!/usr/bin/env python3
"""SIGKILL at random times: every notification of a host is delivered at least once, in order per job.

    notify_crash.py --host build/dev/tests/notify_host [--jobs N] [--files N] [--kills N] [--patience S] [--seed N]
"""

import argparse
import collections
import pathlib
import random
import signal
import subprocess
import sys
import tempfile


def check(lines, jobs, files):
    """What is wrong with what the host wrote down."""
    complaints = []
    handled = collections.defaultdict(set)
    for line in lines:
        job, what, outcome = line.split()
        place = files if what == "end" else int(what)
        missing = [i for i in range(place) if i not in handled[job]] if place > len(handled[job] - {files}) else []
        if missing:
            complaints.append(f"job {job}: {what} came before {missing[0]} was handled")
        if outcome == "handled":
            handled[job].add(place)
    for job in range(jobs):
        missing = set(range(files + 1)) - handled[str(job)]
        if missing:
            complaints.append(f"job {job}: {sorted(missing)[:5]} were never handled")
    return complaints


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--jobs", type=int, default=20)
    parser.add_argument("--files", type=int, default=50)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--patience", type=int, default=240, help="seconds for the run that is not killed")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    arguments = parser.parse_args()
    dice = random.Random(arguments.seed)
    kills = 0
    with tempfile.TemporaryDirectory(prefix="bgxfer-notify-") as folder:
        command = [arguments.host, folder, str(arguments.jobs), str(arguments.files)]
        while True:
            host = subprocess.Popen(command)
            if kills == arguments.kills:
                try:
                    code = host.wait(timeout=arguments.patience)
                except subprocess.TimeoutExpired:
                    host.kill()
                    code = f"nothing: it was not done after {arguments.patience} s"
                    host.wait()
                break
            try:
                code = host.wait(timeout=dice.uniform(0.01, 0.4))
                break
            except subprocess.TimeoutExpired:
                host.send_signal(signal.SIGKILL)
                host.wait()
                kills += 1
        lines = (pathlib.Path(folder) / "told").read_text(encoding="utf-8").splitlines()
    complaints = check(lines, arguments.jobs, arguments.files)
    if code != 0:
        complaints.insert(0, f"the host ended with {code}")
    if kills == 0:
        complaints.append("the host was never killed: give it more to do")
    print(f"seed {arguments.seed}: {arguments.jobs * (arguments.files + 1)} notifications, {len(lines)} deliveries, {kills} kills")
    for complaint in complaints[:20]:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
