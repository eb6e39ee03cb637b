"""Runs a command on so many cores and writes what it used: launcher.py REPORT CORES COMMAND...

Kept small and run by `python -I -S`: a process starts with the memory of the one that starts it
on its account, so that whoever starts it must hold less than it will.
"""

import os
import sys
import time

report, cores, *command = sys.argv[1:]
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(cores)])
start = time.perf_counter()
child = os.fork()
if not child:
    os.execvp(command[0], command)
_, status, used = os.wait4(child, 0)
wall = time.perf_counter() - start
with open(report, "w") as stream:
    stream.write(f"{used.ru_utime + used.ru_stime} {wall} {used.ru_maxrss / 1024}")
sys.exit(os.waitstatus_to_exitcode(status) and 1)
