# SPDX-License-Identifier: GPL-2.0-only
#
# Compares the rows of `kfunctrace stat --json` with a workload's truth ($truth), and prints a line
# for each difference. $mode is "exact" or "sums" (see lib.sh).

def total: map(.calls) | add // 0;
def nulls: map(.null_returns | select(. != null)) | add // 0;
def who: if .caller == "program" then .program else .caller end;

# Kfuncs that the verifier puts in as instructions are not called at all.
(env.NOT_CALLED // "" | split(" ")) as $not_called
| . as $rows
| ($truth[0] | map(select(.kfunc as $kfunc | $not_called | index($kfunc) | not))) as $truth
| ($truth | map(.kfunc) | unique[]) as $kfunc
| ($truth | map(select(.kfunc == $kfunc))) as $true_rows
| ($rows | map(select(.kfunc == $kfunc))) as $kfunc_rows
| (
    (($kfunc_rows | total) as $have | ($true_rows | total) as $want
      | select($have != $want)
      | "\($kfunc): \($have) calls in all, truth \($want)"),

    (($kfunc_rows | map(select(.caller == "unknown")) | total)
      | select(. > 0 and $mode == "exact")
      | "\($kfunc): \(.) calls unknown"),

    ($kfunc_rows | map(select(.caller != "unknown")) + $true_rows | map(who) | unique[]
      | . as $who
      | ($kfunc_rows | map(select(.caller != "unknown" and who == $who))) as $have
      | ($true_rows | map(select(who == $who))) as $want
      | (
          (select(($have | total) > ($want | total))
            | "\($kfunc) by \($who): \($have | total) calls, truth \($want | total)"),
          (select($mode == "exact" and ($have | total) < ($want | total))
            | "\($kfunc) by \($who): only \($have | total) calls, truth \($want | total)"),
          (select($want | any(.null_returns != null))
            | select(($have | nulls) > ($want | nulls)
                or ($mode == "exact" and ($have | nulls) != ($want | nulls)))
            | "\($kfunc) by \($who): \($have | nulls) NULL, truth \($want | nulls)"),
          (select($want | length > 0 and all(.null_returns == null))
            | select($have | any(.null_returns != null))
            | "\($kfunc) by \($who): NULL returns of a kfunc that cannot return NULL")
        ))
  )
