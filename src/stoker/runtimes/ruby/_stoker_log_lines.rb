# frozen_string_literal: true

module Stoker
  module Log
    # I, [2026-11-22T10:00:00.000000 #8]  INFO <request id> -- program: words
    class TextLine < ::Logger::Formatter
      def call(severity, time, program, message)
        at = time.strftime(datetime_format || "%Y-%m-%dT%H:%M:%S.%6N")
        words = Log.utf8(msg2str(message))
        format("%s, [%s #%d] %5s %s -- %s: %s\n", severity[0], at, Process.pid, severity,
               $_global_aws_request_id, program, words)
      end
    end

    # One object, with AWS's keys.
    class JsonLine < ::Logger::Formatter
      def call(severity, time, program, message)
        record = {
          timestamp: time.getutc.strftime("%Y-%m-%dT%H:%M:%S.%6NZ"),
          level: severity,
          message: Log.utf8(message.is_a?(Exception) ? message.message : msg2str(message)),
          requestId: $_global_aws_request_id,
          tenantId: Log.tenant
        }
        record[:logger] = Log.utf8(program) unless program.to_s.empty?
        record.update(about(message)) if message.is_a?(Exception)
        "#{JSON.generate(record.compact)}\n"
      end

      private

      def about(error)
        trace = Array(error.backtrace).map { |line| Log.utf8(line) }
        place = /\A(?<file>.+):(?<line>\d+):in [`'](?<name>.+)'\z/.match(trace.first.to_s)
        {
          errorType: error.class.to_s,
          errorMessage: Log.utf8(error.message),
          stackTrace: trace,
          location: place ? "#{place[:file]}:#{place[:name]}:#{place[:line]}" : trace.first
        }
      end
    end
  end
end
