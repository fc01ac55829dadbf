# The same work in Ruby.
$count = 0

def handler(event:, context:) = { count: $count += 1, data: event["data"] }
