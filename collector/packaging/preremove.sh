#!/bin/sh
# deb says "remove", rpm "0"; at an upgrade the service stays up until the new one is there.
case "$1" in
    remove | 0)
        if [ -d /run/systemd/system ]; then
            systemctl disable --now otelcol-litellm.service || true
        fi
        ;;
esac
