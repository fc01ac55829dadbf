# frozen_string_literal: true

require "net/http" # AWS's client has loaded it, and functions rely on that
require_relative "_stoker_log"
require_relative "_stoker_contract"
require_relative "_stoker_wire"

module Stoker
  # The function's own method, found by "file.method" or "file.Module::Class.method".
  class Handler
    FORM = "of form FILENAME.METHOD or FILENAME.CLASS.METHOD where FILENAME corresponds with an " \
           "existing Ruby source file FILENAME.rb, CLASS is an optional module/class namespace " \
           "and METHOD is a callable method. If using CLASS, METHOD must be a class-level method."

    def initialize(text)
      parts = text.split(".")
      unless [2, 3].include?(parts.size)
        raise ArgumentError, "Invalid handler #{parts}, must be #{FORM}"
      end

      @file, *@owner, @name = parts
      @nobody = Object.new # whose methods those at a file's top level are
    end

    def load
      require @file
    end

    def call(event:, context:)
      owner = @owner.empty? ? @nobody : Object.const_get(@owner.first)
      owner.__send__(@name, event: event, context: context)
    end
  end

  # The loop: ask for an event, call the handler, post what came of it.
  #
  # One invocation costs one send: the answer and the question for the next event leave together.
  class Runtime
    MOST_CAUSE_BYTES = 1 << 20 # of the X-Ray header; a larger one is left out
    INIT_FAILED = 252 # exit codes of AWS's client
    CRITICAL = 255

    def run
      $stdout.sync = true
      Log.open
      find_own_gems
      @wire = Wire.new(ENV.fetch("AWS_LAMBDA_RUNTIME_API"))
      began = Process.clock_gettime(Process::CLOCK_MONOTONIC, :float_millisecond)
      handler = load
      @wire.ask_first(Process.clock_gettime(Process::CLOCK_MONOTONIC, :float_millisecond) - began)
      loop { serve(handler, @wire.event) }
    rescue Wire::Lost
      exit!(1) # the environment is being destroyed: nobody listens
    end

    private

    # Behind those of GEM_PATH: the gems that this ruby came with.
    def find_own_gems
      return if !defined?(Gem) || Gem.path.include?(Gem.default_dir)

      Gem.use_paths(Gem.dir, *Gem.path, Gem.default_dir)
    end

    def load
      task = ENV.fetch("LAMBDA_TASK_ROOT", Dir.pwd)
      $LOAD_PATH.unshift(task) unless $LOAD_PATH.include?(task)
      Handler.new(ENV.fetch("_HANDLER", "")).tap(&:load)
    rescue Exception => e # the function's file may raise anything
      failure = Failure.new(e, "Init")
      Log.failure("Init error when loading handler ", failure.payload)
      @wire.deliver(post("/init/error", failure, {}))
      exit(INIT_FAILED)
    end

    def serve(handler, event)
      id = $_global_aws_request_id = event["Lambda-Runtime-Aws-Request-Id"]
      Log.tenant = event["Lambda-Runtime-Aws-Tenant-Id"]
      trace = event["Lambda-Runtime-Trace-Id"]
      ENV["_X_AMZN_TRACE_ID"] = trace.to_s.empty? ? nil : trace
      body, type = answer(handler, event)
      body = body.read if type == "application/unknown"
      headers = { "Content-Type" => type || "application/json" }
      request = @wire.post("/invocation/#{id}/response", body, headers)
    rescue Wire::Lost
      raise
    rescue NameError => e # and NoMethodError
      die(id, e)
    rescue StandardError => e
      @wire.ask(failed(id, e, "Error raised from handler method"))
      @wire.receipt
    rescue Exception => e
      die(id, e)
    else
      @wire.ask(request)
      @wire.receipt
    end

    def answer(handler, event)
      request = AwsLambda::Marshaller.marshall_request(event)
      result = handler.call(event: request, context: LambdaContext.new(event))
      AwsLambda::Marshaller.marshall_response(result)
    end

    # After an error that AWS's client does not trust the process with.
    def die(id, error)
      @wire.deliver(failed(id, error, "Critical exception from handler"))
      exit(CRITICAL)
    end

    def failed(id, error, title)
      failure = Failure.new(error, "Function")
      Log.failure(title, failure.payload)
      cause = failure.cause
      cause = "" if cause.bytesize >= MOST_CAUSE_BYTES
      post("/invocation/#{id}/error", failure, "Lambda-Runtime-Function-XRay-Error-Cause" => cause)
    end

    def post(path, failure, headers)
      type = failure.type.gsub(/[^\x20-\x7e]/, "?")
      all = {
        "Lambda-Runtime-Function-Error-Type" => type,
        "Content-Type" => "application/json",
        **headers
      }
      @wire.post(path, JSON.generate(failure.payload), all)
    end
  end
end
