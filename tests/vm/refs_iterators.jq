# SPDX-License-Identifier: GPL-2.0-only
#
# How `kfunctrace refs --iterators --json` differs from the truth of workloads, a line for each
# difference. The environment's INLINED names iterators that cannot be seen.

. as $out
| $truth[0].iterators as $truth
| (
    ($truth[]
      | . as $want
      | ($out.iterators | map(select(.program == $want.program))) as $rows
      | if (env.INLINED | split(" ") | index($want.type)) then
          select($rows != []) | "\($want.program): is seen, and has no calls"
        elif ($rows | length) != 1 then
          "\($want.program): there are \($rows | length) rows"
        else $rows[0]
          | (
              (("made", "failed", "destroyed", "elements") as $key
                | select(.[$key] != $want[$key]) | "\($key) \(.[$key]), truth \($want[$key])"),
              (select(.open != 0 or .missed != 0) | "open \(.open), missed \(.missed)"),
              (select(.per_iteration.count != ($want.per_iteration | length))
                | "\(.per_iteration.count) iterations, truth \($want.per_iteration)"),
              (.per_iteration.max as $max | select($max != ($want.per_iteration | max))
                | "most \($max), truth \($want.per_iteration)"),
              (.per_iteration.buckets[]
                | . as $bucket
                | ($want.per_iteration | map(select(. >= $bucket.from and . <= $bucket.to)) | length)
                  as $n
                | select(.count != $n) | "\(.count) from \(.from) to \(.to), truth \($n)")
            ) | "\($want.program): \(.)"
        end),

    ($out.iterators[] | . as $row
      | select($truth | all(.program != $row.program))
      | "\(.type) by \(.program): not in truth"),

    ($out.losses | to_entries[]
      | select(.key | IN("untraceable", "before_start") | not)
      | select(.value != 0 and .value != false)
      | "losses: \(.key) \(.value)")
  )
