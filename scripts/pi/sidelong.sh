#!/usr/bin/env bash
# The sidelong command on a Raspberry Pi: never with another board's llama.cpp.
set -euo pipefail

prefix=${SIDELONG_PREFIX:-$HOME/.local/lib/sidelong}
"$prefix/board.sh" check "$prefix"
exec "$prefix/venv/bin/sidelong" "$@"
