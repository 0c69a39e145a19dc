#!/bin/sh
# After an installation or an upgrade: systemd reads the unit again. Running candidates keep their program until they restart.
set -e
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload
fi
