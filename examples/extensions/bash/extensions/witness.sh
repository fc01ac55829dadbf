#!/bin/bash
# An external extension in bash and curl: counts invocations. It leaves telemetry to the others,
# since bash cannot listen.
set -euo pipefail

name=$(basename "$0") # of an external extension: its file's
extension=http://$AWS_LAMBDA_RUNTIME_API/2020-01-01/extension
me=
invocations=0

ask() { # method, path, further options of curl
    local method=$1 path=$2
    shift 2
    curl -sS --fail-with-body -X "$method" "$extension/$path" ${me:+-H "Lambda-Extension-Identifier: $me"} "$@"
}

field() { # of a flat piece of JSON: what the text at the name is
    sed -nE "s/.*\"$1\": ?\"([^\"]*)\".*/\1/p"
}

fail() { # init or exit, type, message
    ask POST "$1/error" -H "Lambda-Extension-Function-Error-Type: $2" -d "{\"errorMessage\": \"$3\"}"
    exit 1
}

head=$(ask POST register -D - -H "Lambda-Extension-Name: $name" \
    -H 'Lambda-Extension-Accept-Feature: accountId' -d '{"events": ["INVOKE", "SHUTDOWN"]}')
me=$(grep -Fi 'Lambda-Extension-Identifier:' <<<"$head" | cut -d: -f2 | tr -d '[:space:]')
account=$(field accountId <<<"$head")
if [[ ${WITNESS_LIMIT:-1000} != +([0-9]) ]]; then
    fail init Extension.ConfigInvalid "WITNESS_LIMIT is not a number"
fi
while true; do
    event=$(ask GET event/next)
    if [[ $(field eventType <<<"$event") == SHUTDOWN ]]; then
        echo "$name of $account: $invocations invocations, $(field shutdownReason <<<"$event")"
        exit 0
    fi
    invocations=$((invocations + 1))
    if ((invocations > ${WITNESS_LIMIT:-1000})); then
        fail exit Extension.LimitReached "that was invocation $invocations"
    fi
done
