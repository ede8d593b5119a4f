# tools.sh - what suites of foreign tools share: installing a tool once, reporting in TAP. Sourced.
. "$(dirname "${BASH_SOURCE[0]}")/../../deploy/local/lib.sh"
umask 022

tools=$cache/tools
case_number=0
cases_failed=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# Installed into a folder of its own and moved into place when complete, so that a cut connection
# leaves nothing half made.
install_once() # FOLDER FUNCTION ARGUMENT...
{
    local folder=$1 fresh
    shift
    [ ! -d "$tools/$folder" ] || return 0
    mkdir -p "$tools"
    fresh=$(mktemp -d "$tools/fresh.XXXXXX")
    if ! "$1" "$fresh" "${@:2}" >"$scratch/install.log" 2>&1 </dev/null; then
        rm -rf "$fresh"
        tail -n 20 "$scratch/install.log"
        echo "Bail out! cannot install $folder"
        echo "not ok 1 - $folder can be installed"
        exit 1
    fi
    mv -T "$fresh" "$tools/$folder" 2>/dev/null || rm -rf "$fresh"
}

npm_into() # FOLDER PACKAGE@VERSION...
{
    npm install --silent --no-audit --no-fund --prefix "$@"
}

go_into() # FOLDER MODULE@VERSION...
{
    local module
    for module in "${@:2}"; do
        GOBIN=$1 GOFLAGS=-modcacherw go install "$module" || return 1
    done
}

pip_into() # FOLDER PACKAGE==VERSION...
{
    python3 -m venv "$1" && "$1/bin/pip" install -q --disable-pip-version-check "${@:2}"
}

tap() # RESULT SENTENCE: RESULT 0 is a pass
{
    case_number=$((case_number + 1))
    if [ "$1" = 0 ]; then
        echo "ok $case_number - $2"
    else
        echo "not ok $case_number - $2"
        cases_failed=$((cases_failed + 1))
    fi
}

check() # SENTENCE COMMAND...: it must succeed; its output is shown when it does not
{
    local sentence=$1 result=0
    shift
    "$@" >"$scratch/output" 2>&1 </dev/null || result=$?
    [ $result = 0 ] || sed 's/^/# /' "$scratch/output" | head -n 120
    tap $result "$sentence"
}

check_status() # STATUS SENTENCE COMMAND...: it must end with exactly this
{
    local expected=$1 sentence=$2 result=0
    shift 2
    "$@" >"$scratch/output" 2>&1 </dev/null || result=$?
    if [ $result != "$expected" ]; then
        echo "# expected exit status $expected, got $result"
        sed 's/^/# /' "$scratch/output" | head -n 120
        result=1
    else
        result=0
    fi
    tap $result "$sentence"
}

tap_end()
{
    echo "1..$case_number"
    [ $cases_failed = 0 ]
}
