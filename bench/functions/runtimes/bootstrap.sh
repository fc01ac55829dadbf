#!/bin/bash
# The same work in bash: a curl for each request, as in AWS's tutorial.
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
count=0
while true; do
    event=$(curl -sS -D /tmp/headers "$api/next")
    id=$(grep -Fi Lambda-Runtime-Aws-Request-Id /tmp/headers | tr -d '[:space:]' | cut -d: -f2)
    data=${event##*\"data\":\"}
    count=$((count + 1))
    curl -sS -o /dev/null "$api/$id/response" -d "{\"count\":$count,\"data\":\"${data%\"\}}\"}"
done
