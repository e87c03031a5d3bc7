# SPDX-License-Identifier: GPL-2.0-only
#
# How `holding` of `kfunctrace refs --objects --json` differs from who released what others had
# acquired ($truth), and where its times cannot be; a line for each difference.

def total: map(.count) | add // 0;

. as $out
| $truth[0].handed_over as $handed_over
# Known pairs, and what was released of which it cannot be told who acquired it.
| ($out.holding | map(. as $row | .released_by[] | select(.program)
    | {type: $row.type, acquired_by: $row.acquired_by.program, released_by: .program, count}))
    as $pairs
| (
    ($handed_over | group_by([.type, .acquired_by, .released_by])[]
      | .[0] as $pair | total as $want
      | ($pairs | map(select(.type == $pair.type and .released_by == $pair.released_by))) as $rows
      | ($rows | map(select(.acquired_by == $pair.acquired_by)) | total) as $sure
      | ($rows | map(select(.acquired_by == null)) | total) as $unsure
      | select($sure > $want or $sure + $unsure < $want)
      | "\($pair.acquired_by) to \($pair.released_by): \($sure), and \($unsure) unsure, truth \($want)"),

    ($pairs[]
      | select(.acquired_by and .acquired_by != .released_by) | . as $pair
      | select($handed_over | all(.acquired_by != $pair.acquired_by
          or .released_by != $pair.released_by))
      | "\(.acquired_by) to \(.released_by): \(.count), none in truth"),

    ($out.types[]
      | .type as $type | (.released + .released_by_maps) as $want
      | ($out.holding | map(select(.type == $type).held.count) | add // 0) as $have
      | (.before_start // 0) as $before
      | select($have + $before != $want)
      | "\($type): \($have) holding times and \($before) from before, \($want) releases"),

    ($out.holding[]
      | "\(.type) by \(.acquired_by.program): " as $who
      | (
          (.held | (.buckets | total) as $known | select($known != .count - .unknown)
            | "\($known) in buckets, \(.count) - \(.unknown) times"),
          (.held.count as $count | (.released_by | total) as $released
            | select($count != $released) | "\($count) times, \($released) releases"),
          (.held | select(.p50_ns > .p99_ns or .p99_ns > .max_ns or .mean_ns > .max_ns)
            | "p50 \(.p50_ns), p99 \(.p99_ns), max \(.max_ns), mean \(.mean_ns)"),
          (.held | select(.buckets != [])
            | (.buckets | map(select(.count > 0))[-1]) as $last
            | select(.max_ns < $last.from or .max_ns > $last.to)
            | "max \(.max_ns) is not in the last bucket, \($last)")
        ) | $who + .)
  )
