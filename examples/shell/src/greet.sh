# What is printed to stdout is the answer, what is printed to stderr is logged.
greet() {
  local name
  name=$(sed -n 's/.*"name" *: *"\([^"\\]*\)".*/\1/p' <<<"$1")
  echo "greeting ${name:-nobody}" >&2
  [ -n "$name" ] || return 3
  echo "{\"greeting\": \"Hello, $name, from bash ${BASH_VERSINFO[0]}\"}"
}
