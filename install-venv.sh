# Sourced by the launcher and the test command: the one place that makes the virtual environment.

# install_venv ROOT VENV REQUIREMENT: install REQUIREMENT (the checkout, or with its extras) into VENV.
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
    echo "Setting up idlehands-deploy in $2 (once) ..." >&2
    # Two first calls at once must not build the same environment.
    (
        if command -v flock >/dev/null 2>&1; then flock 9; fi
        if [ "$2/.installed" -nt "$1/pyproject.toml" ] && [ "$3" = . ]; then exit 0; fi
        # Not upgraded in place: a Python that went away would leave a broken one.
        "$python" -m venv --clear "$2"
        cd "$1"
        if ! "$2/bin/python" -m pip install --quiet --quiet --disable-pip-version-check --editable "$3" >&2; then
            echo "Error: the packages could not be installed; see above." >&2
            echo "Check that this machine reaches a Python package index, then run the command again." >&2
            exit 5
        fi
        touch "$2/.installed"
    ) 9>"$1/.venv.lock"
}
