# SPDX-License-Identifier: GPL-2.0-only
#
# How what `kfunctrace refs --json` says of types and callers differs from the truth of workloads
# ($truth), a line for each difference. $pairs is what `refs --pairs --json` says.

def sum(f): map(f) | add // 0;
def who: if .caller == "program" then .program else .caller end;
def keys_of_type: "acquired", "null_returns", "released", "released_by_maps", "outstanding";

. as $out
| $truth[0] as $truth
| ($pairs[0].types | map(select(.iterator | not) | (.acquires + .releases + .converts)[].kfunc)) as $functions
| ($pairs[0].types | map(.converts[]) | map({key: .kfunc, value: .from}) | from_entries) as $from
| (
    # Each type is what the scenarios say.
    ($truth.types | group_by(.type)[]
      | .[0].type as $type | . as $true_rows
      | ($out.types | map(select(.type == $type))[0]) as $have
      | keys_of_type as $key
      | ($true_rows | sum(.[$key])) as $want
      | select($have[$key] != $want)
      | "\($type): \($key) \($have[$key]), truth \($want)"),

    # There is no other.
    ($out.types[]
      | select(.acquired + .null_returns + .released + .released_by_maps > 0)
      | .type as $type
      | select($truth.types | all(.type != $type))
      | "\($type): \(.), and there is none in truth"),

    # A type is the sum of those who call, and what is left is what is outstanding.
    ($out.types[]
      | .type as $type
      | ($out.callers | map(select(.type == $type))) as $rows
      | ($out.callers | map(select($from[.kfunc] == $type))) as $converted
      | (
          (select(.acquired != ($rows | sum(.acquired)))
            | "\($type): acquired \(.acquired), callers \($rows | sum(.acquired))"),
          (select(.released + .released_by_maps
              != (($rows | map(select($from[.kfunc] == null)))
                  | sum(.released + .released_by_maps)) + ($converted | sum(.released)))
            | "\($type): released \(.released), the sum of the callers is not"),
          (select(.acquired - .released - .released_by_maps + .before_start != .outstanding)
            | "\($type): \(.acquired) - \(.released) - \(.released_by_maps) is not \(.outstanding)"),
          (select(.outstanding_at_least > .outstanding or .outstanding > .outstanding_at_most)
            | "\($type): \(.outstanding) is not in its bounds")
        )),

    # Each program has its own calls.
    ($truth.rows | map(select(.caller == "program")) + ($out.callers | map(select(.caller != "kernel")))
      | map(select(.kfunc | IN($functions[]))) | map([.kfunc, who]) | unique[]
      | . as [$kfunc, $who]
      | ($truth.rows | map(select(.kfunc == $kfunc and who == $who))) as $true_rows
      | ($true_rows | sum(.calls)) as $calls
      | ($true_rows | sum(.null_returns // 0)) as $nulls
      | ($out.callers | map(select(.kfunc == $kfunc and who == $who))) as $rows
      | ($rows | map(.role) | unique | join(" ")) as $role
      | {
          acquired: ($rows | sum(.acquired)),
          null_returns: ($rows | sum(.null_returns)),
          released: ($rows | sum(.released)),
          released_by_maps: ($rows | sum(.released_by_maps))
        } as $have
      | (if $role == "acquire" then
          {acquired: ($calls - $nulls), null_returns: $nulls, released: 0, released_by_maps: 0}
        elif $role == "convert" then
          {acquired: ($calls - $nulls), null_returns: $nulls, released: $calls, released_by_maps: 0}
        elif $role == "release" then
          {acquired: 0, null_returns: 0, released: $calls, released_by_maps: 0}
        elif $calls > 0 then
          {calls: $calls}
        else
          $have
        end) as $want
      | select($have != $want)
      | "\($kfunc) by \($who): \($have), truth \($want)"),

    # What the kernel calls is for maps, but for what it leaks.
    ($out.callers | map(select(.caller == "kernel" and .acquired + .released > 0)) | group_by(.type)[]
      | .[0].type as $type
      | ($truth.types | map(select(.type == $type)) | sum(.acquired_by_kernel)) as $leaked
      | select(sum(.acquired) != $leaked or sum(.released) != 0)
      | "\($type) by the kernel: acquired \(sum(.acquired)), released \(sum(.released)), truth \($leaked)"),
    ($truth.types[] | select(.acquired_by_kernel)
      | .type as $type | .acquired_by_kernel as $leaked
      | select($out.callers | map(select(.caller == "kernel" and .type == $type)) | sum(.acquired) != $leaked)
      | "\($type): \($leaked) acquired by the kernel are not told"),

    ($out.losses | to_entries[]
      | select(.key | IN("untraceable", "before_start") | not)
      | select(.value != 0 and .value != false)
      | "losses: \(.key) \(.value)")
  )
