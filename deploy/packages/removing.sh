#!/bin/sh
# Before the removal, and not before an upgrade: no candidate outlives the package.
set -e
case "$1" in
remove | 0) # as dpkg and rpm say it
	if [ -d /run/systemd/system ]; then
		systemctl stop 'docent-elect@*.service'
	fi
	;;
esac
