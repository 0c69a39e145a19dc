#!/bin/sh
# docent elect runs this while its pod leads. The application leads while the file $1 is younger than three seconds. The file
# has the number of the term. SIGTERM says that the leadership has ended: the file goes at once. If this script is killed,
# the file ages.
set -eu
trap 'rm -f "$1" "$1.new"' EXIT
trap 'exit 0' TERM INT
while :; do
	echo "$DOCENT_TOKEN" >"$1.new"
	mv "$1.new" "$1"
	sleep 1 &
	wait $!
done
