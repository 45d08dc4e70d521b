# Sourced by the launcher and the test command: the one place that makes the virtual environment.

# install_venv ROOT VENV REQUIREMENT STAMP: install REQUIREMENT (the checkout, or with its extras) into VENV, and
# remember it by the file STAMP, unless that is newer than what the checkout needs.
install_venv() {
    python=${PYTHON:-python3}
    if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo "Error: idlehands-deploy needs Python 3.11 or newer, as python3 or named by PYTHON." >&2
        echo "Install it: sudo apt-get install python3 python3-venv" >&2
        exit 2
    fi
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "Error: this Python comes without venv, which keeps the tool's packages apart from yours." >&2
        echo "Install it: sudo apt-get install python3-venv" >&2
        exit 2
    fi
    if ! [ -w "$1" ]; then
        echo "Error: $1 is not yours to write, and the tool's packages go into it." >&2
        echo "Clone a checkout of your own, or install the tool: pip install $1" >&2
        exit 2
    fi
    echo "Setting up idlehands-deploy in $2 (once) ..." >&2
    # Two first calls at once must not build the same environment.
    (
        if command -v flock >/dev/null 2>&1; then flock 9; fi
        if [ "$4" -nt "$1/pyproject.toml" ]; then exit 0; fi
        # Made anew only when it does not run, as after its Python went away: another call may be using it.
        if ! "$2/bin/python" -m pip --version >/dev/null 2>&1; then
            "$python" -m venv --clear "$2"
        fi
        cd "$1"
        if ! "$2/bin/python" -m pip install --quiet --quiet --disable-pip-version-check --editable "$3" >&2; then
            echo "Error: the packages could not be installed; see above." >&2
            echo "Check that this machine reaches a Python package index, then run the command again." >&2
            exit 5
        fi
        # The launcher's stamp too: whatever was installed, the tool was.
        touch "$2/.installed" "$4"
    ) 9>"$1/.venv.lock"
}
