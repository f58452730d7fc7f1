#!/usr/bin/env bash
# Which board is this, and is llama.cpp built for it? Sourced by install.sh, or run:
#
#   board.sh check PREFIX    0 where the installed build is this board's, else it says what to do
#   board.sh use PREFIX      install the build that is kept for this board
#
# A board is its processor's features, the same words on every core: what a compiler may use. Where
# a card is moved to another board, the build that is kept for that one is put in.
set -euo pipefail

board_name() {
    tr -d '\0' 2>/dev/null <"${SIDELONG_MODEL_FILE:-/proc/device-tree/model}" ||
        echo "an unknown board"
}

# A short name for the processor's features.
board_key() {
    awk -F: '/^(Features|CPU part)/ { print $2 }' "${SIDELONG_CPUINFO:-/proc/cpuinfo}" | tr ' ' '\n' |
        sort -u | sha256sum | cut -c 1-16
}

# Where the wheels of this board and Python are kept: PREFIX PYTHON
board_wheels() {
    printf '%s/wheels/%s-%s' "$1" "$(board_key)" \
        "$("$2" -c 'import sys; print("cp%d%d" % sys.version_info[:2])')"
}

board_check() {
    local key
    key=$(board_key)
    if [[ $(cat "$1/board" 2>/dev/null) == "$key" ]]; then
        return 0
    fi
    if compgen -G "$1/wheels/$key-*/*.whl" >/dev/null; then
        # The service may not write there.
        if [[ ! -w $1/venv/bin ]]; then
            echo "sidelong: this card was in another board; run sidelong doctor in a terminal once" >&2
            return 2
        fi
        echo "sidelong: this card was in another board; putting in the build for $(board_name)" >&2
        board_use "$1" >&2
        return 0
    fi
    echo "sidelong: llama.cpp is built for another board than $(board_name);" \
        "run scripts/pi/install.sh here once" >&2
    return 2
}

board_use() {
    local wheels
    wheels=$(board_wheels "$1" "$1/venv/bin/python")
    "$1/venv/bin/pip" install --quiet --no-index --no-deps --force-reinstall "$wheels"/*.whl
    board_key >"$1/board"
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
    case ${1:-} in
        check | use) "board_$1" "${2:?the folder of the installation}" ;;
        *) echo "board.sh: there are check and use" >&2; exit 2 ;;
    esac
fi
