#!/bin/sh
# Not started: it has to be told first where to send to.
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || true
    systemctl try-restart otelcol-litellm.service || true
fi
