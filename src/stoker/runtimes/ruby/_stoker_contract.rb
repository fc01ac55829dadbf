# frozen_string_literal: true

require "json"
require "stringio"

# What a handler gets as context:. The names are AWS's.
class LambdaContext
  attr_reader :aws_request_id, :invoked_function_arn, :log_group_name, :log_stream_name,
              :function_name, :memory_limit_in_mb, :function_version, :identity, :client_context,
              :deadline_ms, :tenant_id

  def initialize(event)
    @deadline_ms = event["Lambda-Runtime-Deadline-Ms"].to_i
    @aws_request_id = event["Lambda-Runtime-Aws-Request-Id"]
    @invoked_function_arn = event["Lambda-Runtime-Invoked-Function-Arn"]
    @tenant_id = event["Lambda-Runtime-Aws-Tenant-Id"]
    @log_group_name, @log_stream_name, @function_name, @memory_limit_in_mb, @function_version =
      ENV.values_at("AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME",
                    "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
                    "AWS_LAMBDA_FUNCTION_VERSION")
    @identity = parsed(event["Lambda-Runtime-Cognito-Identity"])
    @client_context = parsed(event["Lambda-Runtime-Client-Context"])
  end

  def get_remaining_time_in_millis
    [@deadline_ms - Process.clock_gettime(Process::CLOCK_REALTIME, :millisecond), 0].max
  end

  private

  def parsed(header)
    JSON.parse(header) unless header.to_s.empty?
  end
end

module AwsLambda
  # How events and answers become Ruby's objects. A function may replace these two methods.
  class Marshaller
    class << self
      # raw_request: has a body, and headers by [].
      def marshall_request(raw_request)
        json = raw_request["Content-Type"] == "application/json"
        json ? JSON.parse(raw_request.body) : raw_request.body
      end

      # The answer's text; an IO is for an answer that is not JSON, and goes with another type.
      def marshall_response(method_response)
        case method_response
        when StringIO, IO then [method_response, "application/unknown"]
        else method_response.to_json
        end
      end
    end
  end
end

module Stoker
  # An error of the function's, as AWS's client names and posts it.
  class Failure
    MOST_FRAMES = 100
    XRAY_FRAMES = 15
    # Other types are the function's own: Lambda's metrics do not learn their names.
    KNOWN = %w[ArgumentError NoMethodError Exception StandardError NameError LoadError SystemExit
               SystemStackError].freeze

    attr_reader :payload

    # phase: "Function" or "Init".
    def initialize(error, phase)
      @name = error.class.to_s
      @frames = users_frames(error)
      @payload = {
        errorMessage: words(error),
        errorType: "#{phase}<#{@name}>",
        stackTrace: @frames.map { |frame| Log.utf8(frame) }
      }
    end

    # The value of Lambda-Runtime-Function-Error-Type.
    def type
      KNOWN.include?(@name) ? @payload[:errorType] : "Function<UserException>"
    end

    # What X-Ray is told: a header's value.
    def cause
      stack = @frames.first(XRAY_FRAMES).map do |frame|
        { path: Log.utf8(frame.path), line: frame.lineno, label: Log.utf8(frame.label) }
      end
      exception = { message: @payload[:errorMessage], type: @payload[:errorType], stack: stack }
      paths = defined?(Gem) ? Gem.path : []
      JSON.generate({ working_directory: Dir.pwd, paths: paths, exceptions: [exception] },
                    ascii_only: true)
    end

    private

    # Ours, which called the function, are left out.
    def users_frames(error)
      frames = error.backtrace_locations || []
      frames.take_while { |frame| File.dirname(frame.path.to_s) != __dir__ }.first(MOST_FRAMES)
    end

    def words(error)
      Log.utf8(error.message)
    rescue StandardError
      @name # its own method raises
    end
  end
end
