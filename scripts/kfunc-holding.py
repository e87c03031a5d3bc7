# SPDX-License-Identifier: GPL-2.0-only
"""
Pairs acquires with releases in a recording of kfunc events, and prints for each type and program for
how long objects were held:

    perf record -a -e 'kfunc:*' sleep 10        (beside `kfunctrace refs --events`)
    perf script -s kfunc-holding.py

An object is told by its address. What was acquired before the recording, or is held at its end, is
counted apart.
"""

held = {}
times = {}
unmatched = {}


def seconds(secs, nsecs):
    return secs + nsecs / 1e9


# Called by perf, one for each event: common fields, then the event's own in their order.
def kfunc__kfunc_acquire(name, context, cpu, secs, nsecs, pid, comm, callchain,
                         kfunc, prog, kind, prog_id, obj, count, duration, sample):
    held.setdefault(obj, []).append((kind, prog, seconds(secs, nsecs)))


def kfunc__kfunc_release(name, context, cpu, secs, nsecs, pid, comm, callchain,
                         kfunc, prog, kind, prog_id, obj, count, duration, sample):
    if not held.get(obj):
        unmatched[kind] = unmatched.get(kind, 0) + 1
        return
    kind, holder, since = held[obj].pop()
    times.setdefault((kind, holder), []).append(seconds(secs, nsecs) - since)


def trace_unhandled(name, context, fields, sample=None):
    pass


def trace_end():
    print("%-24s %-24s %8s %12s %12s" % ("TYPE", "PROGRAM", "HELD", "MEAN us", "LONGEST us"))
    for (kind, holder), all_times in sorted(times.items()):
        print("%-24s %-24s %8d %12.1f %12.1f" % (
            kind, holder, len(all_times), sum(all_times) / len(all_times) * 1e6,
            max(all_times) * 1e6))
    still = {}
    for entries in held.values():
        for kind, holder, since in entries:
            still[kind, holder] = still.get((kind, holder), 0) + 1
    for (kind, holder), number in sorted(still.items()):
        print("still held at the end: %d %s by %s" % (number, kind, holder))
    for kind, number in sorted(unmatched.items()):
        print("acquired before the recording: %d %s" % (number, kind))
