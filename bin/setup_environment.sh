# Sourced by the commands in this folder: makes .venv the first time, and again when its requirements changed.
# usage: . setup_environment.sh EXTRAS      (e.g. "" or "[test]"); afterwards $PYTHON is the interpreter.

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PYTHON="$checkout/.venv/bin/python"

_requirements() { # what was installed is known by the text of pyproject.toml and the extras
    cat "$checkout/pyproject.toml"
    echo "$1"
}

_set_up() {
    local extras=$1 stamp="$checkout/.venv/ts_calibrations$1.stamp"
    if [ -f "$stamp" ] && _requirements "$extras" | cmp -s - "$stamp"; then
        return 0
    fi
    local base=${TS_CALIBRATIONS_PYTHON:-python3}
    if ! "$base" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo "Python 3.11 or newer is needed; '$base' is not. Set TS_CALIBRATIONS_PYTHON to one that is." >&2
        return 2
    fi
    echo "Setting up $checkout/.venv (once; about a minute)..." >&2
    "$base" -m venv "$checkout/.venv" || return 2
    if ! "$PYTHON" -m pip install --quiet --disable-pip-version-check --editable "$checkout$extras" >&2; then
        echo "The set-up did not end: pip could not install what pyproject.toml names. Nothing else was touched; mend the cause and try again." >&2
        return 2
    fi
    _requirements "$extras" > "$stamp"
}

# Set up with EUPS: that environment has everything, salobj included.
if [ "${TS_CALIBRATIONS_DIR:-}" -ef "$checkout" ]; then
    PYTHON=python
    return 0
fi

if [ ! -w "$checkout" ]; then
    [ -x "$PYTHON" ] && return 0
    echo "$checkout/.venv cannot be made: the folder is not writable. Install the package with pip instead: it brings these commands, too." >&2
    exit 2
fi

# Two commands started together must not set up the same folder at once.
exec 9> "$checkout/.setup.lock"
flock 9
_set_up "$1" || exit $?
flock -u 9
exec 9>&-
