#!/bin/sh
# Starts a program with each file of the secrets directory as an environment variable: LiteLLM reads
# its keys from there, and a key in a file shows neither in `docker inspect` nor in the compose file.
set -eu
for file in "${SECRETS_DIRECTORY:-/run/secrets}"/*; do
    [ -f "$file" ] || continue
    name=$(basename "$file" | tr '[:lower:]' '[:upper:]')
    value=$(cat "$file")
    export "$name=$value"
done
exec "$@"
