#!/usr/bin/env bash
# Sets up a checkout: .venv and the packages of constraints.txt. Drawing needs no library of the system.
# Safe to run again, and done in a moment when nothing changed. PYTHON=python3.12 chooses the interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly VENV=.venv
readonly STAMP=$VENV/setup.stamp
readonly TORCH_INDEX=https://download.pytorch.org/whl/cpu

say() { printf '\033[1msetup:\033[0m %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

# --- system packages ---------------------------------------------------------------------------------------------

# install_system WHY APT_PACKAGES DNF_PACKAGES: installs them where that is allowed, else says what to type.
install_system() {
    local why=$1 manager command root=()
    if command -v apt-get >/dev/null; then
        manager=apt-get command="apt-get install -y --no-install-recommends $2"
    elif command -v dnf >/dev/null; then
        manager=dnf command="dnf install -y $3"
    else
        say "$why Please install the like of: $2"
        return 1
    fi
    if [ "$(id -u)" != 0 ]; then
        if sudo -n true 2>/dev/null; then root=(sudo -n); else
            say "$why Please type:  sudo $command"
            return 1
        fi
    fi
    say "$why Running: $command"
    if [ $manager = apt-get ]; then
        "${root[@]}" apt-get update -qq || true
        "${root[@]}" env DEBIAN_FRONTEND=noninteractive $command -qq >/dev/null
    else
        "${root[@]}" $command -q >/dev/null
    fi || { say "That failed. Please type:  sudo $command"; return 1; }
}

may_install() { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }

# The tests of the window that people play in want a virtual screen. They are skipped without one, so nobody is asked.
install_screen() {
    if ! command -v Xvfb && { command -v apt-get || command -v dnf; } && may_install; then
        install_system "The tests of the window use a virtual screen." xvfb xorg-x11-server-Xvfb || true
    fi >/dev/null
}

# --- Python -------------------------------------------------------------------------------------------------------

usable_python() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; }

find_python() {
    local candidate candidates=${PYTHON:-python3 python3.13 python3.12 python3.11}
    for candidate in $candidates; do
        if usable_python "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    fail "needs Python 3.11, 3.12 or 3.13, and none of these is one: $candidates." \
        "Install one, or say where it is: make setup PYTHON=/path/to/python3.12"
}

make_venv() {
    local python
    python=$(find_python)
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        local version
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        install_system "$python has no venv module." "python$version-venv" python3-pip || exit 1
    fi
    say "making $VENV with $("$python" --version)"
    "$python" -m venv --clear $VENV
}

# Torch's own index has the CPU build for Linux. A machine that gets it elsewhere need not reach that index.
torch_option() {
    if $VENV/bin/python - $TORCH_INDEX/torch/ <<'PYTHON' 2>/dev/null; then
import sys, urllib.request
urllib.request.urlopen(sys.argv[1], timeout=10)
PYTHON
        echo --extra-index-url $TORCH_INDEX
    fi
}

install_packages() {
    say "installing the packages of constraints.txt (the first time takes minutes)"
    # shellcheck disable=SC2046  # an option and its value, or nothing
    $VENV/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
        $(torch_option) --editable '.[play,video,baselines,exchange,examples,dev]' ||
        fail "pip failed (above). If it found no torch: is $TORCH_INDEX reachable, and has it a build for" \
            "$($VENV/bin/python --version)? Another interpreter: rm -rf $VENV && make setup PYTHON=python3.12"
}

# ------------------------------------------------------------------------------------------------------------------

# What the set-up depends on: these files, and the place (a virtual environment can't be moved).
fingerprint() { { pwd && cat setup.cfg pyproject.toml constraints.txt tools/setup.sh; } | cksum; }

# PYTHON may name another version than .venv was made with.
other_python() { [ -n "${PYTHON:-}" ] && [ "$("$PYTHON" -V 2>&1)" != "$($VENV/bin/python -V 2>&1)" ]; }

if other_python || [ "$(cat $STAMP 2>/dev/null)" != "$(fingerprint)" ] || ! $VENV/bin/python -c '' 2>/dev/null; then
    rm -f $STAMP
    if other_python || ! usable_python $VENV/bin/python || ! $VENV/bin/python -m pip --version &>/dev/null; then
        make_venv
    fi
    install_packages
    install_screen
    fingerprint >$STAMP
    say "done"
fi
