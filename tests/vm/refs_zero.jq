# SPDX-License-Identifier: GPL-2.0-only
#
# How `kfunctrace refs --zero --json` differs from the truth of workloads, a line for each
# difference.

def sum(f): map(f) | add // 0;

. as $out
| $truth[0] as $truth
| (
    ($truth.zero + ($out.zero | map(select(.caller == "program")))
      | map([.kfunc, .program]) | unique[]
      | . as [$kfunc, $program]
      | ($truth.zero | map(select(.kfunc == $kfunc and .program == $program))) as $true_rows
      | ($out.zero | map(select(.kfunc == $kfunc and .program == $program))) as $rows
      | {zero: ($true_rows | sum(.refcount_zero)), others: ($true_rows | sum(.other_nulls))} as $want
      | {zero: ($rows | sum(.refcount_zero // 0)), others: ($rows | sum(.other_nulls + .unclear))}
        as $have
      | select($have != $want)
      | "\($kfunc) by \($program): \($have), truth \($want)"),

    ($truth.rows | map(select(.kfunc | IN($out.zero[].kfunc))) | group_by([.kfunc, .program])[]
      | .[0] as $row | sum(.calls) as $want
      | ($out.zero | map(select(.kfunc == $row.kfunc and .program == $row.program)) | sum(.calls))
        as $have
      | select($have != $want)
      | "\($row.kfunc) by \($row.program // "the kernel"): \($have) calls, truth \($want)"),

    ($out.zero[] | select(.caller == "unknown" and .calls > 0)
      | "\(.kfunc): \(.calls) calls of unknown callers"),

    # Each is shown, or said to be left out.
    (($out.zero | sum(.refcount_zero // 0)) as $want
      | (($out.events | length) + $out.events_left_out + $out.events_dropped) as $have
      | select($have != $want)
      | "\($out.events | length) events, \($out.events_left_out) left out, \($out.events_dropped) dropped: of \($want)"),

    ($out.events[]
      | select(.event != "refcount-zero" or (.program | not) or (.kfunc | not)
          or .tid <= 0 or (.comm | not)
          or (.type == "task_struct" and ((.object_pid | not) or (.object_comm | not)))
          or (.type == "cgroup" and (.cgroup_id | not)))
      | "an event lacks something: \(.)")
  )
