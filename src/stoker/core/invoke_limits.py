"""The bounds of running functions, with where each comes from. Settings may lower some."""

# AWS's quotas and documented rules.
RESPONSE_BYTES = 6 * 1024 * 1024 + 100  # the answer of a buffered invocation, 6,291,556
STREAM_BYTES = 200 * 1024 * 1024  # a streamed answer
STREAM_BURST_BYTES = 6 * 1024 * 1024  # of it, as fast as the caller takes them
STREAM_BYTES_PER_S = 2 * 1024 * 1024  # of the rest
REQUESTS_PER_UNIT = 10  # invocations a second, for each unit of concurrency
INIT_S = 10.0  # on-demand initialisation
PROVISIONED_INIT_S = 130.0  # initialisation ahead; or the function's timeout, if that is longer
RESTORE_S = 10.0  # of a snapshot, with the hooks after it
FREEZE_S = 0.003  # idle for so long: frozen (docs/adr/0004)
EVENT_BYTES = 256 * 1024  # one log event (CloudWatch); longer lines are split
TAIL_BYTES = 4096  # X-Amz-Log-Result
SHUTDOWN_INTERNAL_MS = 500  # goodbye when only internal extensions are registered
SHUTDOWN_EXTERNAL_MS = 2000  # goodbye when an external extension is registered
TERM_MS = 300  # of it, for the runtime: from SIGTERM to SIGKILL
TERM_INTERNAL_MS = 500  # the same when an internal extension is registered
EXTENSIONS = 10  # of one environment, external and internal

# Ours: everything that can grow has an end.
SNAPSHOTS = 128  # kept on one machine
SMALL_BODY_BYTES = 64 * 1024  # a request that has no business carrying more
RUNTIME_API_CONNECTIONS = 128  # to one environment's Runtime API
RUNTIME_API_BODIES = 4  # large bodies under way to one environment at a time
EXTENSION_NAME_CHARS = 255  # as long as a file's name
KILL_S = 2.0  # from SIGKILL to the last exit; after that the sandbox is given up
MAKING_AT_ONCE = 4  # environments; those that are warm must not wait for all that are cold
CREATE_S = 60.0  # making one sandbox
ROOM_S = 30.0  # waiting for room on a full machine (and never longer than the function's timeout)
MOMENT_S = 0.02  # for an environment that has answered to come free, before one more is made
ERROR_CAUSE_BYTES = 1024 * 1024  # an error body that we look into
PHASES_KEPT = 64  # history of one environment, for those who look inside
ENDED_KEPT = 64  # environments that ended, of all functions, for the same
URI_CHARS = 2048  # of a telemetry destination
MAILBOX_BYTES = 4 * 1024 * 1024  # that wait for one subscriber
HISTORY_BYTES = 1024 * 1024  # kept for who may subscribe during init
RAW_EVENTS = 64  # that wait to be rendered for subscribers, all at once
RAW_BYTES = 16 * 1024  # of them, that processes printed
EVENT_OVERHEAD_BYTES = 64  # what a short event costs beside its length
DELIVERY_PAUSES_S = (0.1, 0.2, 0.4)  # before a batch is tried again; after the last it is dropped
DELIVERY_S = 5.0  # for a subscriber to take a batch and say so
CONNECT_S = 1.0  # for a subscriber's kernel to take a connection
RECEIPT_BYTES = 64 * 1024  # of a subscriber's answer; more costs it the connection
SEND_BUFFER_BYTES = 64 * 1024  # in the kernel, for one subscriber
READ_BYTES = 64 * 1024  # one read of a pipe
EVENTS_PER_PASS = 512  # log events taken from one pipe before others get their turn
