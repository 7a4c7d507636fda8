#!/usr/bin/env bash
# Sets up a checkout: .venv with the packages of constraints.txt. Rendering needs no system libraries.
# Safe to run again, and instant if nothing has changed. PYTHON=python3.12 selects the interpreter. TORCH=cuda installs
# PyTorch for NVIDIA GPUs, TORCH=cpu the build without; later calls keep what was chosen.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly VENV=.venv
readonly STAMP=$VENV/setup.stamp
readonly CHOICE=$VENV/setup.torch
readonly TORCH_INDEX=https://download.pytorch.org/whl/cpu

say() { printf '\033[1msetup:\033[0m %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

TORCH=${TORCH:-$(cat $CHOICE 2>/dev/null || echo cpu)}
case $TORCH in cpu | cuda) ;; *) fail "TORCH must be cpu or cuda, got $TORCH: make setup TORCH=cuda" ;; esac

# --- system packages ---------------------------------------------------------------------------------------------

# install_system WHY APT_PACKAGES DNF_PACKAGES: installs them if permitted, else prints the command to run.
install_system() {
    local why=$1 manager command root=()
    if command -v apt-get >/dev/null; then
        manager=apt-get command="apt-get install -y --no-install-recommends $2"
    elif command -v dnf >/dev/null; then
        manager=dnf command="dnf install -y $3"
    else
        say "$why Please install the equivalent of: $2"
        return 1
    fi
    if [ "$(id -u)" != 0 ]; then
        if sudo -n true 2>/dev/null; then root=(sudo -n); else
            say "$why Please run:  sudo $command"
            return 1
        fi
    fi
    say "$why Running: $command"
    if [ $manager = apt-get ]; then
        "${root[@]}" apt-get update -qq || true
        "${root[@]}" env DEBIAN_FRONTEND=noninteractive $command -qq >/dev/null
    else
        "${root[@]}" $command -q >/dev/null
    fi || { say "That failed. Please run:  sudo $command"; return 1; }
}

may_install() { [ "$(id -u)" = 0 ] || sudo -n true 2>/dev/null; }

# Tests of the game's window need a virtual display. They are skipped without one, so the user is not asked.
install_screen() {
    if ! command -v Xvfb && { command -v apt-get || command -v dnf; } && may_install; then
        install_system "Tests of the window use a virtual display." xvfb xorg-x11-server-Xvfb || true
    fi >/dev/null
}

# So do tests of the page for labeling, a browser.
install_browser() {
    if ! command -v chromium && command -v apt-get && may_install; then
        install_system "Tests of the page for labeling use a browser." chromium chromium || true
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
    fail "Python 3.11, 3.12 or 3.13 is required; found none of them among: $candidates." \
        "Install one, or give its path: make setup PYTHON=/path/to/python3.12"
}

make_venv() {
    local python
    python=$(find_python)
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        local version
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        install_system "$python has no venv module." "python$version-venv" python3-pip || exit 1
    fi
    say "creating $VENV with $("$python" --version)"
    "$python" -m venv --clear $VENV
}

# PyTorch's own index has the CPU build for Linux. The option is left out if that index cannot be reached, and for CUDA:
# PyPI has that build.
torch_option() {
    if [ "$TORCH" = cpu ] && $VENV/bin/python - $TORCH_INDEX/torch/ <<'PYTHON' 2>/dev/null; then
import sys, urllib.request
urllib.request.urlopen(sys.argv[1], timeout=10)
PYTHON
        echo --extra-index-url $TORCH_INDEX
    fi
}

install_packages() {
    say "installing the packages of constraints.txt (this takes minutes the first time)"
    cp constraints.txt $VENV/constraints.txt
    if [ "$TORCH" = cuda ]; then
        sed 's/+cpu;/;/' constraints.txt >$VENV/constraints.txt
        # To pip, the CPU build of a version is that version too, so it would stay.
        if $VENV/bin/python -m pip freeze | grep -q '^torch==.*+cpu'; then
            $VENV/bin/python -m pip uninstall --quiet --yes torch
        fi
    fi
    # shellcheck disable=SC2046  # an option and its value, or nothing
    $VENV/bin/python -m pip install --quiet --disable-pip-version-check --constraint $VENV/constraints.txt \
        $(torch_option) --editable '.[play,video,baselines,exchange,cluster,label,examples,dev]' ||
        fail "pip failed, see above. If it found no torch: is $TORCH_INDEX reachable, and does it have a build for" \
            "$($VENV/bin/python --version)? To use another interpreter: rm -rf $VENV && make setup PYTHON=python3.12"
}

# ------------------------------------------------------------------------------------------------------------------

# The setup depends on these files and on the directory: a virtual environment cannot be moved.
fingerprint() { { pwd && cat setup.cfg pyproject.toml constraints.txt tools/setup.sh && echo "$TORCH"; } | cksum; }

# Whether PYTHON names another version than that of .venv.
other_python() { [ -n "${PYTHON:-}" ] && [ "$("$PYTHON" -V 2>&1)" != "$($VENV/bin/python -V 2>&1)" ]; }

if other_python || [ "$(cat $STAMP 2>/dev/null)" != "$(fingerprint)" ] || ! $VENV/bin/python -c '' 2>/dev/null; then
    rm -f $STAMP
    if other_python || ! usable_python $VENV/bin/python || ! $VENV/bin/python -m pip --version &>/dev/null; then
        make_venv
    fi
    install_packages
    echo "$TORCH" >$CHOICE
    install_screen
    install_browser
    fingerprint >$STAMP
    say "done"
fi
