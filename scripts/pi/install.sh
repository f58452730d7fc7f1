#!/usr/bin/env bash
# Installs Sidelong on Raspberry Pi OS (64-bit, Pi 4 or 5), for the user who runs it.
#
#   scripts/pi/install.sh             install, or bring an installation up to this checkout
#   scripts/pi/install.sh --dry-run   say what would be done
#   scripts/pi/install.sh --no-unit   without the systemd unit
#
# Run it again whenever you like: what is there already stays. llama.cpp is built for this board
# and no other, and each board's build is kept (board.sh), so that a card can move between a Pi 4
# and a Pi 5: the wrong build would end with an illegal instruction.
set -euo pipefail

here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
source_dir=$(cd -- "$here/../.." && pwd)
prefix=${SIDELONG_PREFIX:-$HOME/.local/lib/sidelong}
bin=$HOME/.local/bin
units=${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user
# shellcheck source=scripts/pi/board.sh
source "$here/board.sh"

dry_run=false
unit=true
for argument in "$@"; do
    case $argument in
        --dry-run) dry_run=true ;;
        --no-unit) unit=false ;;
        *) echo "install.sh: $argument: there are --dry-run and --no-unit" >&2; exit 2 ;;
    esac
done

say() { printf '%s\n' "$*"; }
fail() { printf 'install.sh: %s\n' "$*" >&2; exit 2; }
do_it() {
    say "  $*"
    "$dry_run" || "$@"
}

check_machine() {
    [[ $(uname -m) == aarch64 && $(getconf LONG_BIT) == 64 ]] ||
        fail "this is $(uname -m) with $(getconf LONG_BIT) bits; install the 64-bit Raspberry Pi OS"
    [[ $EUID -ne 0 ]] || fail "run it as the user who will wear the glasses, not as root"
    command -v python3 >/dev/null || fail "there is no python3; apt install python3"
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "$(python3 --version) is too old; Raspberry Pi OS 12 (bookworm) or newer has 3.11"
    local free
    free=$(df --output=avail -k "$HOME" | tail -n 1)
    ((free > 2000000)) || fail "$((free / 1000)) MB are free in $HOME; 2,000 are needed"
}

install_packages() {
    local package missing=()
    for package in build-essential cmake git ninja-build python3-dev python3-venv libportaudio2; do
        [[ $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) == "install ok installed" ]] ||
            missing+=("$package")
    done
    if ((${#missing[@]} == 0)); then
        say "1. Debian packages: all there."
        return
    fi
    say "1. Debian packages: ${missing[*]} (asks for your password; a few minutes)"
    do_it sudo apt-get update -q
    do_it sudo apt-get install -y -q --no-install-recommends "${missing[@]}"
}

make_venv() {
    # A venv of another Python (after an upgrade of the system, say) can't be used any more.
    if [[ -x $prefix/venv/bin/python ]] &&
        [[ $("$prefix/venv/bin/python" -V 2>/dev/null) == "$(python3 -V)" ]]; then
        say "2. Python environment: there already ($prefix/venv)."
        return
    fi
    say "2. Python environment: $prefix/venv (less than a minute)"
    do_it mkdir -p "$prefix"
    do_it python3 -m venv --clear "$prefix/venv"
}

# llama.cpp is compiled with what this processor has: dotprod on a Pi 5, none on a Pi 4. A wheel of
# pip's own cache may be another board's, so that cache is neither read nor written.
build_llama() {
    local wheels wanted
    wheels=$(board_wheels "$prefix" python3)
    wanted=$(sed -n 's/^ *"\(llama-cpp-python==[^"]*\)".*/\1/p' "$source_dir/pyproject.toml")
    [[ -n $wanted ]] || fail "$source_dir/pyproject.toml names no llama-cpp-python"
    if compgen -G "$wheels/llama_cpp_python-${wanted##*==}-*.whl" >/dev/null; then
        say "3. llama.cpp: built for this board already."
        return
    fi
    say "3. llama.cpp: building for $(board_name) (very roughly 10 minutes on a Pi 5, 30 on a Pi 4)"
    do_it mkdir -p "$wheels"
    # An older release's wheels are no use to any board.
    do_it find "$prefix/wheels" -name 'llama_cpp_python-*.whl' ! -name "*-${wanted##*==}-*" -delete
    # Each compiler takes up to 1 GB; a Pi with 2 GB must not swap to its card.
    local jobs
    jobs=$(awk -v cores="$(nproc)" '/^MemTotal/ { n = int($2 / 1000000); if (n < 1) n = 1
        print n < cores ? n : cores }' /proc/meminfo)
    do_it env CMAKE_ARGS="-DGGML_NATIVE=ON" CMAKE_BUILD_PARALLEL_LEVEL="$jobs" \
        "$prefix/venv/bin/pip" wheel --no-cache-dir --no-deps --no-binary llama-cpp-python \
        --wheel-dir "$wheels" "$wanted"
}

install_sidelong() {
    local wheels
    wheels=$(board_wheels "$prefix" python3)
    say "4. Sidelong and what it needs (a few minutes, about 200 MB)"
    do_it "$prefix/venv/bin/pip" install --quiet --only-binary=:all: --find-links "$wheels" \
        "$source_dir"
    # The same version may be another board's build: pip would leave it where it is.
    do_it "$here/board.sh" use "$prefix"
}

install_command() {
    say "5. The command: $bin/sidelong"
    do_it mkdir -p "$bin"
    do_it install -m 755 "$here/board.sh" "$prefix/board.sh"
    do_it install -m 755 "$here/sidelong.sh" "$bin/sidelong"
    if ! "$dry_run"; then
        "$bin/sidelong" doctor ||
            fail "sidelong doctor found a fault; it says above what to do"
    fi
    case ":$PATH:" in
        *":$bin:"*) ;;
        *) say "  $bin is not in your PATH yet; log out and in again." ;;
    esac
}

install_unit() {
    "$unit" || return 0
    say "6. systemd unit: $units/sidelong.service"
    do_it mkdir -p "$units" "${XDG_DATA_HOME:-$HOME/.local/share}/sidelong"
    do_it install -m 644 "$here/sidelong.service" "$units/sidelong.service"
    do_it systemctl --user daemon-reload
    say "  It is not started. When sidelong run works in a terminal:"
    say "    systemctl --user enable --now sidelong"
    say "    loginctl enable-linger          to let it run while you are logged out"
}

check_machine
say "Sidelong for $(board_name), into $prefix."
install_packages
make_venv
build_llama
install_sidelong
install_command
install_unit
say "Done. Next: sidelong tune (a few minutes), then sidelong demo."
