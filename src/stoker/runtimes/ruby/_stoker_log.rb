# frozen_string_literal: true

require "json"
begin
  require "logger"
rescue LoadError
  nil # from Ruby 4.0 on it is a gem, which this installation lacks
end

$_global_aws_request_id = nil # AWS's name; libraries read it

module Stoker
  # puts and Logger, as AWS has them: each call one event, whatever lines it has.
  #
  # Events go to the framed descriptor; without it, to standard output as Ruby has it.
  module Log
    FRAME = 0xa55a0003 # text with a time: AWS's client for Ruby sends no other kind
    LEVELS = %w[TRACE DEBUG INFO WARN ERROR FATAL].freeze # Logger has no TRACE
    DESCRIPTOR = "_LAMBDA_TELEMETRY_LOG_FD"

    # What a Logger writes to.
    class Sink
      def initialize(frames)
        @frames = frames
        @lock = Mutex.new
      end

      def write(text)
        now_us = Process.clock_gettime(Process::CLOCK_REALTIME, :microsecond)
        frame = [FRAME, text.bytesize, now_us].pack("L>L>Q>") << text.b
        @lock.synchronize { @frames.write(frame) }
        text.bytesize
      end

      def close; end
    end

    class << self
      attr_reader :sink
      attr_accessor :tenant # of the invocation in hand

      # Read the environment, and replace puts and Logger's output.
      def open
        descriptor = ENV.delete(DESCRIPTOR)
        Logger.prepend(Loggers) if defined?(::Logger)
        return if descriptor.nil?

        frames = IO.for_fd(descriptor.to_i, "wb", autoclose: false)
        frames.sync = true
        @sink = Sink.new(frames)
        Kernel.prepend(Puts)
      rescue Errno::EBADF
        nil # standard output it is
      end

      def json?
        ENV["AWS_LAMBDA_LOG_FORMAT"]&.upcase == "JSON"
      end

      # An error that was not the function's to rescue.
      def failure(title, payload)
        line("#{title}\n")
        line("#{JSON.pretty_generate(payload)}\n")
      end

      def line(text)
        @sink ? @sink.write(text) : $stdout.write(text)
      end

      # Whatever it is, as UTF-8.
      def utf8(value)
        text = value.to_s
        is_bytes = [Encoding::BINARY, Encoding::US_ASCII].include?(text.encoding)
        text = text.dup.force_encoding(Encoding::UTF_8) if is_bytes
        text.encode(Encoding::UTF_8, invalid: :replace, undef: :replace)
      end
    end

    # Kernel#puts: one event, even of several lines.
    module Puts
      private

      def puts(*values)
        text = values.flatten.map { |value| Log.utf8(value) }.join("\n")
        Log.sink.write(text.end_with?("\n") ? text : "#{text}\n")
        nil
      end
    end

    # Of a Logger that writes to standard output, standard error or nowhere.
    module Loggers
      def initialize(device = nil, *rest, **options)
        return super unless device.nil? || [$stdout, $stderr, STDOUT, STDERR].include?(device)

        options[:level] ||= least if Log.json?
        super(Log.sink || $stdout, *rest, **options)
        @default_formatter = Log.json? ? JsonLine.new : TextLine.new
      end

      private

      def least
        named = ENV["AWS_LAMBDA_LOG_LEVEL"].to_s.upcase
        LEVELS.include?(named) ? [LEVELS.index(named) - 1, 0].max : 0
      end
    end
  end
end

require_relative "_stoker_log_lines" if defined?(Logger)
