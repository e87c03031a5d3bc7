# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Ports of the loopback interface for tests, which run beside each other: to be sourced.

# free_port WHOM: prints a port at which nobody listens. Who listens comes later, a VM by minutes, so each
# kind has a range of its own. All are below those that the kernel gives to clients.
free_port()
{
	local first port

	case $1 in
	metrics)	first=12000 ;; # and the Prometheus that scrapes them
	store)		first=16000 ;;
	fleet-guest)	first=20000 ;;
	fleet-steps)	first=24000 ;;
	vm)		first=28000 ;;
	*)		return 1 ;;
	esac
	for _ in {1..50}; do
		port=$((first + RANDOM % 4000))
		(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
	done
	echo "$port"
}
