#!/usr/bin/env bash
# Make .venv with the locked dependencies and Stoker itself, and install what the machine lacks.
# Does nothing, quickly, when nothing changed.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$*" >&2; }

# --- what the machine must have (Debian's names) -------------------------------------------

missing=()
wanted=() # only tests of what an ordinary user can do; they are skipped without
have_compiler() { command -v cc || command -v gcc || command -v clang || command -v tcc; }
need() { # need PACKAGE CHECK...: the package is missing if the check fails
    local package=$1
    shift
    "$@" >/dev/null 2>&1 || missing+=("$package")
}
PATH=$PATH:/usr/sbin:/sbin
need python3 command -v "${PYTHON:-python3}"
need python3-venv "${PYTHON:-python3}" -c 'import ensurepip'
need bash command -v bash
need curl command -v curl                                  # inside OS-only environments
need ca-certificates test -s /etc/ssl/certs/ca-certificates.crt
if [ "$(uname -s)" = Linux ]; then
    need e2fsprogs command -v mkfs.ext4                    # the /tmp of an environment
    need tcc have_compiler                                 # its PID 1 is a small C program
    need nftables command -v nft                           # keeps environments apart
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        command -v newuidmap >/dev/null || wanted+=(uidmap)  # isolation without root,
        command -v slirp4netns >/dev/null || wanted+=(slirp4netns)  # and its way to the network
    fi
fi

install_with_apt() {
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@"
}

if [ "${#missing[@]}" -gt 0 ]; then
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        say "Installing with apt: ${missing[*]}"
        log=$(mktemp)
        trap 'rm -f "$log"' EXIT
        install_with_apt "${missing[@]}" >"$log" 2>&1 ||
            { apt-get update -qq && install_with_apt "${missing[@]}"; } >"$log" 2>&1 ||
            { cat "$log" >&2; say "cannot install: ${missing[*]}"; exit 1; }
    elif [[ " ${missing[*]} " == *" python3"* ]]; then
        say "cannot go on without: ${missing[*]} (install them, or run make as root on Debian)"
        exit 1
    else
        say "This machine lacks: ${missing[*]}. '.venv/bin/stoker doctor' says what that means."
    fi
fi

if [ "${#wanted[@]}" -gt 0 ]; then
    install_with_apt "${wanted[@]}" >/dev/null 2>&1 || say "Without ${wanted[*]}: some tests are skipped."
fi

# --- .venv ---------------------------------------------------------------------------------

python=${PYTHON:-python3}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
    { say "cannot use $("$python" --version): Stoker needs Python 3.11 or newer (PYTHON=...)"; exit 1; }

# A moved .venv is of no use, nor is one of another interpreter: both are in the stamp.
inputs=$(cat requirements.lock pyproject.toml "$0"; "$python" --version; pwd)
stamp=$(printf '%s' "$inputs" | cksum)
if [ -f .venv/.installed ] && [ "$(cat .venv/.installed)" = "$stamp" ]; then
    exit 0
fi

say "Installing Stoker into .venv ..."
rm -f .venv/.installed
if [ "$(.venv/bin/python --version 2>/dev/null)" != "$("$python" --version)" ] ||
    ! grep -qF "$PWD/.venv/" .venv/bin/pip; then
    "$python" -m venv --clear .venv
fi
# uv installs four times as fast as pip, and is itself one of the locked packages. The pages of
# bytecode are made now: a server that has dropped root could not write them.
awk '/^[a-z]/ { wanted = /^uv==/ } wanted' requirements.lock >.venv/uv.lock
.venv/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes --no-deps \
    -r .venv/uv.lock
export SSL_CERT_FILE=${SSL_CERT_FILE:-${PIP_CERT:-/etc/ssl/certs/ca-certificates.crt}}
export UV_LINK_MODE=copy VIRTUAL_ENV=$PWD/.venv
.venv/bin/uv pip install --quiet --require-hashes --no-deps --compile-bytecode -r requirements.lock
# What builds Stoker is among the locked packages: nothing unlocked is fetched.
.venv/bin/uv pip install --quiet --no-deps --no-build-isolation --editable .
.venv/bin/python -m compileall -q src || true
printf '%s\n' "$stamp" >.venv/.installed
say "Done: .venv/bin/stoker"
