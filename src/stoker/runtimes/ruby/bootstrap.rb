# frozen_string_literal: true

# The Ruby runtime client, as it is in /var/runtime with the _stoker_ files beside it.
#
# Ruby 3.1 and later, nothing but Ruby's own libraries. Two ways in:
#
#     ruby bootstrap.rb            as AWS starts it: everything is in the environment
#     ruby bootstrap.rb parked     ahead of time: it gets warm, says so on descriptor 10, and
#                                  waits there for {"env": .., "cwd": ..}; the end of that
#                                  descriptor means that it is not wanted

require_relative "_stoker_runtime"

if ARGV == ["parked"]
  require_relative "_stoker_parked"
  Stoker::Parked.wait
end
Stoker::Runtime.new.run
