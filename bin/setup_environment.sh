# Sourced by the commands in this folder: makes .venv the first time, and again when its requirements changed.
# usage: . setup_environment.sh EXTRAS    (e.g. "simulation,test"); afterwards $PYTHON is the interpreter.

checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PYTHON="$checkout/.venv/bin/python"

# Some containers forbid Python to keep what it has compiled: of the pipelines each start would take twice as long.
unset PYTHONDONTWRITEBYTECODE

# What was installed is known by the text of pyproject.toml and, in the last line, the extras.
_is_set_up() {
    local stamp=$1 extra
    [ -f "$stamp" ] && head -n -1 "$stamp" | cmp -s - "$checkout/pyproject.toml" || return 1
    for extra in ${2//,/ }; do
        case ",$(tail -n 1 "$stamp")," in
            *",$extra,"*) ;;
            *) return 1 ;;
        esac
    done
}

# uv takes a quarter of pip's time. Where it cannot be had, or fails, pip installs, or says what is wrong: at
# once where there is no network, which it would try again for each package, and for minutes in all.
_install() {
    local project="$checkout[$1]" said retries=${PIP_RETRIES:-5}
    local pip=("$PYTHON" -m pip install --quiet --disable-pip-version-check)
    if said=$(PIP_RETRIES=1 "${pip[@]}" uv 2>&1); then
        "$PYTHON" -m uv pip install --quiet --python "$PYTHON" --editable "$project" > /dev/null 2>&1 && return 0
    fi
    grep -q "connection broken by" <<< "$said" && retries=0
    PIP_RETRIES=$retries "${pip[@]}" --editable "$project" >&2
}

_set_up() {
    local extras=$1 stamp="$checkout/.venv/ts_calibrations.stamp"
    if _is_set_up "$stamp" "$extras"; then
        return 0
    fi
    if _is_set_up "$stamp" ""; then # what is there already is still right
        extras=$(echo "$(tail -n 1 "$stamp"),$extras" | tr , '\n' | awk '!seen[$0]++' | paste -s -d ,)
    fi
    local base=${TS_CALIBRATIONS_PYTHON:-python3}
    if ! "$base" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        echo "Python 3.11 or newer is needed; '$base' is not. Set TS_CALIBRATIONS_PYTHON to one that is." >&2
        return 2
    fi
    echo "Setting up $checkout/.venv for: $extras (once; less than a minute)..." >&2
    "$base" -m venv "$checkout/.venv" || return 2
    if ! _install "$extras"; then
        echo "Set-up failed: pip could not install what pyproject.toml names. Is PyPI reachable? Nothing else was touched; try again." >&2
        return 2
    fi
    { cat "$checkout/pyproject.toml"; echo "$extras"; } > "$stamp"
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
