#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The command, watching by probes: stands in for it where the tests are run that way.
case "${1:-} ${2:-}" in
"run help" | "attach help") ;;
"run "* | "attach "*)
	command=$1
	shift
	exec "$FLIGHTREC_COMMAND" "$command" --probes "$@"
	;;
esac
exec "$FLIGHTREC_COMMAND" "$@"
