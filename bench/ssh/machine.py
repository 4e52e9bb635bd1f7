"""What processes and the machine have used: CPU time and memory, read from /proc.

Owns: the arithmetic of "ours" and "other work". Must not know: what is measured. Linux only.
"""
import ctypes
import os
import resource
import signal
import time

TICKS = os.sysconf("SC_CLK_TCK")
CPUS = os.cpu_count()
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
LIBC = ctypes.CDLL(None, use_errno=True)


def adopt_orphans():
    """Processes whose parent ends become our children, so that their CPU time is not lost (`ssh -J` leaves one each time)."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)


def end_with_parent():
    """For a child, before it becomes another program: it ends when we do, even if we are killed."""
    prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def prctl(what, value):
    if LIBC.prctl(what, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({what})")


def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            return [int(word) for word in f.read().split()]
    except OSError:
        return []


def tree(pid):
    """The process and its living descendants."""
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += children(found[-1])
    return found


def stat(pid):
    """The fields of /proc/PID/stat behind the name: state, parent, ... (proc(5) counts them from 3)."""
    with open(f"/proc/{pid}/stat") as f:
        text = f.read()
    return text[text.rindex(")") + 2:].split()


def cpu_seconds(pid):
    """User and system time of a process tree, with those that have ended and were waited for."""
    total = 0
    for one in tree(pid):
        try:
            total += sum(int(field) for field in stat(one)[11:15])
        except (OSError, ValueError):
            pass
    return total / TICKS


def reap(keep):
    """Waits for adopted orphans and zombies, but not for the processes in `keep`. Bounded: what still lives is left."""
    deadline = time.monotonic() + 2
    while True:
        left = [pid for pid in children(os.getpid()) if pid not in keep]
        for pid in left:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:
                pass
        if not left or time.monotonic() > deadline:
            return
        time.sleep(0.002)


def alone(pid, seconds=2):
    """Waits until a server has no session processes left: their CPU time is then in its own account."""
    deadline = time.monotonic() + seconds
    while children(pid) and time.monotonic() < deadline:
        time.sleep(0.002)


def memory_kib(pid):
    """Resident and anonymous (heap and stacks) memory of one process."""
    found = {}
    with open(f"/proc/{pid}/smaps_rollup") as f:
        for line in f:
            name, _, rest = line.partition(":")
            if name in ("Rss", "Anonymous"):
                found[name.lower()] = int(rest.split()[0])
    return found


def busy_seconds():
    """What all processors have done, also for others and for the hypervisor (steal)."""
    with open("/proc/stat") as f:
        fields = [int(word) for word in f.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICKS


def finished_clients():
    """CPU time of our own process and of its children that have ended: the clients. Servers live on."""
    me, gone = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return me.ru_utime + me.ru_stime + gone.ru_utime + gone.ru_stime


class Meter:
    """From its making to `stop`: wall time, CPU time of each server and of the clients, and what others used meanwhile."""

    def __init__(self, servers, client=None):
        self.servers = servers
        self.wall = time.monotonic()
        # What a running client has used up to now is not part of this.
        self.clients = finished_clients() + (cpu_seconds(client) if client else 0)
        self.cpu = {name: cpu_seconds(pid) for name, pid in servers.items()}
        self.busy = busy_seconds()

    def stop(self, wall=None):
        """`wall`: when it was over, if that was earlier. All clients must have ended."""
        for pid in self.servers.values():
            alone(pid)
        reap(set(self.servers.values()))
        now, busy = time.monotonic(), busy_seconds() - self.busy
        cpu = {name: cpu_seconds(pid) - self.cpu[name] for name, pid in self.servers.items()}
        cpu["client"] = finished_clients() - self.clients
        whole = now - self.wall
        return {
            "seconds": (wall or now) - self.wall,
            "cpu": cpu,
            "cores": busy / whole,
            "other": max(0.0, busy - sum(cpu.values())) / (whole * CPUS),
        }
