# SPDX-License-Identifier: GPL-2.0-only
#
# Makes figures that can be compared out of what was measured in the guest, and tables of them.

# --- what was measured ----------------------------------------------------------------------------

def rounded($places): pow(10; $places) as $unit | . * $unit | round / $unit;

# What each contender for one call is called in the table.
def call_names: {
	"base": "nothing attached",
	"base-again": "nothing attached, at the end",
	"empty-fentry": "empty fentry program",
	"empty-fexit": "empty fexit program",
	"kfunctrace": "kfunctrace stat --no-nulls (fentry, by caller)",
	"kfunctrace-nulls": "kfunctrace stat (fexit, by caller, NULLs)",
	"events": "stat --no-nulls --events, nobody listens",
	"events-perf-stat": "the same, perf stat counts the events",
	"events-perf-record": "the same, perf record records them",
	"events-ftrace": "the same, ftrace records them",
	"events-nulls": "stat --events (NULLs), nobody listens",
	"bare-ftrace": "empty ftrace handler of a module",
	"bare-fprobe": "empty fprobe of a module",
	"module": "kfunctrace stat --engine=module --no-nulls",
	"module-nulls": "kfunctrace stat --engine=module (NULLs)",
	"bpftrace-fentry": "bpftrace fentry count()",
	"bpftrace-fentry-kstack": "bpftrace fentry count() by kstack(2)",
	"bpftrace-kprobe": "bpftrace kprobe count()",
	"bpftrace-fexit": "bpftrace fexit count() by NULL",
	"ftrace-function": "ftrace function tracer",
	"kprobe-event": "ftrace kprobe event"
};

# And each for an acquire and its release.
def pair_names: {
	"base": "nothing attached",
	"empty": "empty fexit and fentry programs",
	"balance": "kfunctrace refs",
	"objects": "kfunctrace refs --objects",
	"trace": "kfunctrace trace --refs",
	"bpftrace": "bpftrace, a map keyed by pointer"
};

# The first of that key: a contender may have been measured more than once.
def contender($key): map(select(.key == $key))[0];

# Adds the names, what each has added to a call, and the ratio to the empty program of its kind.
def evaluated_calls:
	contender("base").per_call as $base
	| {entry: (contender("empty-fentry").per_call - $base),
	   exit: (contender("empty-fexit").per_call - $base),
	   ftrace: ((contender("bare-ftrace").per_call // null) as $bare | if $bare then $bare - $base else null end),
	   fprobe: ((contender("bare-fprobe").per_call // null) as $bare | if $bare then $bare - $base else null end)} as $empty
	| map(. + {
		name: call_names[.key],
		added: (.per_call - $base | rounded(2)),
		ratio: (if $empty[.kind] then (.per_call - $base) / $empty[.kind] | rounded(3)
			else null end)
	  });

# The same of pairs, loop by loop.
def evaluated_pairs:
	[group_by(.loop)[]
	   | contender("base").per_call as $base
	   | (contender("empty").per_call - $base) as $empty
	   | .[] | if .skipped then . + {name: pair_names[.key]}
		   else del(.kfunc, .per_call, .calls) + {
			name: pair_names[.key],
			per_pair: .per_call,
			pairs: .calls,
			added: (.per_call - $base | rounded(2)),
			ratio: ((.per_call - $base) / $empty | rounded(3))
		   } end];

# The largest difference between two measurements of the same.
def drift: group_by([.loop, .key]) | map(map(.per_call // .per_pair) | max - min) | max | rounded(3);

# --- what is required -----------------------------------------------------------------------------

def requirement($text; $value; $limit):
	{text: $text, value: $value, limit: $limit, met: ($value <= $limit)};

def events_requirements($max):
	requirement("instructions that --events adds while nobody listens";
		    contender("events").added - contender("kfunctrace").added | rounded(1); $max),
	requirement("instructions that it adds at exit, NULLs counted";
		    contender("events-nulls").added - contender("kfunctrace-nulls").added | rounded(1); $max);

def module_requirements($max_ratio):
	requirement("the module's count, of an empty ftrace handler"; contender("module").ratio; $max_ratio),
	requirement("the module's count with NULLs, of an empty fprobe"; contender("module-nulls").ratio;
		    $max_ratio);

# In instructions as they are printed, with one decimal place; to cost the same is not cheaper.
def cheaper($text; $value; $than):
	{text: $text, value: $value, limit: $than, met: ($value < $than)};

def pair_requirements($max_ratio):
	group_by(.loop)[]
	| (contender("balance").ratio) as $ratio
	| (contender("balance").added) as $balance
	| (contender("objects").added) as $objects
	| (contender("bpftrace").added) as $bpftrace
	| "\(.[0].acquire) and release: " as $pair
	| requirement($pair + "balance, of the empty programs"; $ratio; $max_ratio),
	  cheaper($pair + "balance is cheaper than bpftrace"; $balance; $bpftrace),
	  cheaper($pair + "objects are cheaper than bpftrace"; $objects; $bpftrace);

# --- tables ---------------------------------------------------------------------------------------

def fixed($places): . * pow(10; $places) | round | tostring as $digits
	| ("0" * ($places + 1 - ($digits | length)) // "") + $digits | .[:-$places] + "." + .[-$places:];
def left($width): . + (" " * ($width - length) // "");
def right($width): (" " * ($width - length) // "") + .;

# Figures have one decimal place, which is as far as they repeat.
def call_table:
	"instructions added to one call of \(.kfunc), by whom:", "",
	("CONTENDER" | left(50)) + ("ADDED" | right(9)) + ("RATIO" | right(8)) + "  OF EMPTY",
	(.contenders[] | (.name | left(50))
		+ (if .kind == "none" then
			(.per_call | fixed(1) | right(9)) + ("-" | right(8)) + "  whole call"
		   else (.added | fixed(1) | right(9)) + (.ratio | fixed(2) | right(8))
			+ "  " + {entry: "fentry", exit: "fexit", ftrace: "ftrace handler", fprobe: "fprobe handler"}[.kind] end));

def pair_tables:
	.pairs | group_by(.loop)[]
	| "", "instructions added to one pair of \(.[0].acquire) and \(.[0].release), by whom:", "",
	  ("CONTENDER" | left(50)) + ("ADDED" | right(9)) + ("RATIO" | right(8)) + "  OF EMPTY PAIR",
	  (.[] | (.name | left(50))
		+ (if .skipped then ("-" | right(9)) + ("-" | right(8)) + "  " + .skipped
		   elif .key == "base" then
			(.per_pair | fixed(1) | right(9)) + ("-" | right(8)) + "  whole pair"
		   else (.added | fixed(1) | right(9)) + (.ratio | fixed(2) | right(8)) end));

def tables: .versions[0], call_table, pair_tables, "", (.versions[1:] | join(", "));
