# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Packages of any Debian suite, fetched next to the machine's own apt: its lists, sources and
# cache are neither used nor changed. For scripts that have say and die, and a folder of their own
# that they remove.

# The archive that has the kernel of one of our suites, the suites that complete it, and where its
# security updates are, which are a suite of their own: the newest kernel of a stable release is
# usually there. Sets archive, base and security; fails when there is no such suite.
debian_suite()
{
	base=
	security=
	# shellcheck disable=SC2034 # base is for whoever needs more than a kernel
	case $1 in
	bookworm | trixie)	archive=$1 security=$1-security ;;
	backports)		archive=trixie-backports base=trixie ;;
	sid)			archive=sid ;;
	*)			return 1 ;;
	esac
}

# The mirrors as apt itself understands its configuration, one-line and deb822
# form alike: it prints the addresses of what an update would fetch.
# Prints the base address of the first source whose suite matches.
mirror_of()
{
	apt-get update --print-uris 2>/dev/null |
		sed -nE "s#^'([^']*)/dists/($1)/(In)?Release'.*#\\1#p" | sed -n 1p || true
}

# Mirrors are pools of servers, and now and then one of them is out of step or
# resets a connection.
patiently()
{
	local attempt

	for attempt in 1 2 3; do
		"$@" >&2 && return 0
		say "failed ($attempt of 3): $1 $2 ..."
		sleep $((attempt * 3))
	done
	return 1
}

# debian_apt FOLDER SUITE...: makes apt's state for these suites in FOLDER, and fetches the
# lists. Sets debian_conf, for apt's option -c, and mirror.
debian_apt()
{
	local codenames='bullseye|bookworm|trixie|forky|duke|sid|(old)*stable|testing|unstable'
	local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
	local folder=$1 suite address security_mirror=

	shift
	mirror=${KFUNCTRACE_MIRROR:-$(mirror_of "($codenames)(-updates|-backports)?")}
	[[ -n $mirror ]] ||
		die "apt's configuration names no Debian mirror; set KFUNCTRACE_MIRROR to the address of one"
	if [[ " $* " == *-security* ]]; then
		security_mirror=$(mirror_of "($codenames)-security")
	fi
	[[ -f $keyring ]] || die "$keyring is missing: install debian-archive-keyring"

	mkdir -p "$folder/lists/partial" "$folder/archives/partial"
	: >"$folder/status"
	for suite in "$@"; do
		address=$mirror
		if [[ $suite == *-security ]]; then
			[[ -n $security_mirror ]] || continue
			address=$security_mirror
		fi
		echo "deb [arch=amd64 signed-by=$keyring] $address $suite main"
	done >"$folder/sources.list"

	debian_conf=$folder/conf
	# On top of the machine's configuration, not instead of it: proxies and
	# credentials are in there. Hooks are not wanted, though, and a preferences
	# file is about the packages of this machine. Without Error-Mode an update that
	# fetched nothing is a success.
	cat >"$debian_conf" <<-EOT
		Dir::Etc::sourcelist "$folder/sources.list";
		Dir::Etc::sourceparts "/dev/null";
		Dir::Etc::preferences "/dev/null";
		Dir::Etc::preferencesparts "/dev/null";
		Dir::State::lists "$folder/lists";
		Dir::State::status "$folder/status";
		Dir::State::extended_states "$folder/extended_states";
		Dir::Cache "$folder";
		Dir::Log "$folder";
		APT::Architecture "amd64";
		#clear APT::Architectures;
		APT::Architectures "amd64";
		APT::Default-Release "";
		APT::Sandbox::User "root";
		Acquire::Languages "none";
		Acquire::Retries "3";
		Acquire::PDiffs "false";
		APT::Update::Error-Mode "any";
		#clear APT::Update::Pre-Invoke;
		#clear APT::Update::Post-Invoke;
		#clear APT::Update::Post-Invoke-Success;
		#clear DPkg::Pre-Invoke;
		#clear DPkg::Post-Invoke;
	EOT

	patiently apt-get update -q -c "$debian_conf" ||
		die "cannot read the package lists of $1 from $mirror; check the network, apt's proxy and the mirror"
}

# debian_field PACKAGE FIELD: of its newest version; nothing when there is none.
debian_field()
{
	apt-cache -c "$debian_conf" show --no-all-versions "$1" 2>/dev/null |
		sed -n "s/^$2: //p" | sed -n 1p || true
}
