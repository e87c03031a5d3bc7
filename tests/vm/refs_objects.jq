# SPDX-License-Identifier: GPL-2.0-only
#
# How the objects of `kfunctrace refs --objects --json` differ from what the workloads have parked
# ($truth), a line for each difference.

def identity: .object.pid // .object.cgroup_id;
def true_identity: .pid // .cgroup_id;
def programs: map(.program) | unique;
def pairs: map("\(.kfunc) by \(.program)") | unique;
# A map's name in the kernel has no more letters, and lists are in no field that can be searched.
def map_of: if .deleted_element or .map == null or (.map | startswith(".")) then null else .map end;

# Who holds $object, of whom $truth says that they do?
def wrong_holders($truth):
	if .attribution == "exact" then
		select((.holders | pairs) != ($truth | pairs))
	elif .attribution == "program" then
		select((.holders | programs) != ($truth | programs))
	else
		select(($truth | programs) - (.holders | programs) != [])
	end
	| "\(.attribution): held by \(.holders | pairs), truth \($truth | pairs)";

. as $out
| $truth[0].parked as $parked
| (
    # Tasks and cgroups have names of their own.
    ($out.objects + ($parked | map(.object = {pid, cgroup_id})) | map(select(identity))
      | map([.type, identity]) | unique[]
      | . as [$type, $id]
      | ($parked | map(select(.type == $type and true_identity == $id))) as $truth
      | ($out.objects | map(select(.type == $type and identity == $id))) as $rows
      | "\($type) \($id)" as $what
      | if $truth == [] then "\($what): held by \($rows[0].holders | pairs), and nobody does in truth"
        elif ($rows | length) != 1 then "\($what): there are \($rows | length) rows"
        else $rows[0]
          | (
              (($truth | map(.references) | add) as $want | select(.references != $want)
                | "\(.references) references, truth \($want)"),
              (($truth | any(.stale)) as $want | select(.stale != $want)
                | "stale is \(.stale), truth \($want)"),
              (select(.object | [.exited, .removed] | index([$rows[0].stale]) | not)
                | "stale is \(.stale), and the object \(.object)"),
              (($truth | map(map_of) | unique) as $want | .map as $map
                | select($want | index([$map]) | not) | "in map \(.map), truth \($want)"),
              (($truth | any(.in_use)) as $want | select((.state == "parked") == $want)
                | "is \(.state), truth: in use is \($want)"),
              wrong_holders($truth)
            ) | "\($what): \(.)"
        end),

    # Of the others there is a number, in each map.
    ($out.objects + $parked | map(select((identity // true_identity) == null))
      | map(.type) | unique[]
      | . as $type
      | ($parked | map(select(.type == $type))) as $truth
      | ($out.objects | map(select(.type == $type))) as $rows
      | (
          (($truth | map(.objects) | add // 0) as $want | select(($rows | length) != $want)
            | "\($rows | length) objects, truth \($want)"),
          (($truth | map(.references) | add // 0) as $want
            | ($rows | map(.references) | add // 0) as $have
            | select($have != $want) | "\($have) references, truth \($want)"),
          ($truth | group_by(map_of)[]
            | (.[0] | map_of) as $map | (map(.objects) | add) as $want
            | ($rows | map(select(.map == $map)) | length) as $have
            | select($have != $want) | "\($have) are in the map \($map), truth \($want)"),
          # What is told for sure is not more than there is.
          ($truth | group_by([map_of, .program])[]
            | (.[0] | map_of) as $map | .[0].program as $program | (map(.objects) | add) as $most
            | ($rows | map(select(.map == $map and .attribution != "ambiguous"
                and (.holders | programs) == [$program])) | length) as $have
            | select($have > $most)
            | "\($have) held by \($program) in the map \($map), truth \($most)"),
          ($rows[]
            | .map as $map
            | ($truth | map(select(map_of == $map))) as $there
            | . as $row
            | (
                select($there | all([. as $one | $row | wrong_holders([$one])] != []))
                | "\(.attribution): held by \(.holders | pairs) in \($map), truth \($there | pairs)"
              ),
              (select(.state != "parked") | "is \(.state)"),
              (select(.stale) | "is stale"))
        ) | "\($type): \(.)"),

    # The oldest come first.
    (($out.objects | map(.age_ns)) as $ages | select($ages != ($ages | sort | reverse))
      | "ages are not sorted"),
    (select(.objects_gone != 0) | "\(.objects_gone) objects are gone")
  )
