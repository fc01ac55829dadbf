# frozen_string_literal: true

require "socket"

module Stoker
  # The Runtime API over one connection, by hand: Net::HTTP costs more than an invocation, and
  # belongs to the function, whose tracing libraries replace its parts.
  #
  # Blocking and without time-outs: the environment may be frozen in the middle of any call.
  class Wire
    BASE = "/2018-06-01/runtime"
    RECEIVE_BYTES = 1 << 16
    AGENT = "aws-lambda-ruby/#{RUBY_VERSION}-stoker"

    # The platform is gone, or done with us.
    class Lost < StandardError
    end

    # An answer of the platform's. Names of headers are compared in lower case.
    Answer = Struct.new(:status, :headers, :body) do
      def [](name)
        headers[name.downcase]
      end
    end

    def initialize(address)
      @address = address
      @next = "GET #{BASE}/invocation/next HTTP/1.1\r\nHost: #{address}\r\n" \
              "User-Agent: #{AGENT}\r\n\r\n".b
      connect
    end

    # Send the answer, if there is one, and ask for the next event: one send.
    def ask(answer = "".b)
      send_all(answer + @next)
    end

    # Ask for the first event, and say how long the function's own code took to load.
    def ask_first(loaded_ms)
      send_all(@next.delete_suffix("\r\n") + "Stoker-Function-Init-Ms: #{loaded_ms}\r\n\r\n")
    end

    def event
      answer = receive
      return answer if answer.status == 200

      abort("cannot get the next event: the Runtime API answered #{answer.status}")
    end

    # Take the platform's word on our answer. Whatever it is, the next event comes.
    def receipt
      return unless receive["Connection"] == "close"

      close
      connect
      ask
    end

    # The bytes of a request. headers: values without line breaks.
    def post(path, body, headers)
      lines = headers.map { |name, value| "#{name}: #{value}\r\n" }.join
      "POST #{BASE}#{path} HTTP/1.1\r\nHost: #{@address}\r\nUser-Agent: #{AGENT}\r\n" \
        "#{lines}Content-Length: #{body.bytesize}\r\n\r\n".b << body.b
    end

    # Send a request and wait until it was taken.
    def deliver(request)
      send_all(request)
      receive
    end

    def close
      @socket.close
    end

    private

    def connect
      host, _, port = @address.rpartition(":")
      @socket = TCPSocket.new(host.delete("[]"), port.to_i)
      @socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)
      @rest = "".b # received, and not yet looked at
    rescue SystemCallError => e
      raise Lost, e.message
    end

    def send_all(data)
      @socket.write(data)
    rescue SystemCallError, IOError => e
      raise Lost, e.message
    end

    def receive
      head = take_line("\r\n\r\n").split("\r\n")
      headers = head.drop(1).to_h do |line|
        name, _, value = line.partition(":")
        [name.downcase, value.strip.force_encoding(Encoding::UTF_8)]
      end
      status = head.first[9, 3].to_i
      return receive if status < 200 # 1xx announces another answer

      is_chunked = headers["transfer-encoding"] == "chunked"
      body = is_chunked ? chunks : take(headers["content-length"].to_i)
      Answer.new(status, headers, body)
    end

    def chunks
      body = "".b
      while (size = take_line("\r\n").hex).positive?
        body << take(size + 2).byteslice(0, size)
      end
      nil until take_line("\r\n").empty? # trailers
      body
    end

    # What comes before the mark, which is taken too.
    def take_line(mark)
      @rest << more until (place = @rest.index(mark))
      line = @rest.byteslice(0, place)
      @rest = @rest.byteslice(place + mark.bytesize..)
      line
    end

    def take(length)
      @rest << more(length - @rest.bytesize) while @rest.bytesize < length
      taken = @rest.byteslice(0, length)
      @rest = @rest.byteslice(length..)
      taken
    end

    def more(wanted = 0)
      @socket.readpartial([wanted, RECEIVE_BYTES].max)
    rescue SystemCallError, IOError => e
      raise Lost, e.message
    end
  end
end
