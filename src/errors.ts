// The errors that cross rooms: each has a stable `code`, so that callers switch on it and never on the message.

export type ErrorCode =
  | 'ERR_CONFIG' // the configuration file or the command line cannot be used
  | 'ERR_LEADER' // no leading master could be found
  | 'ERR_STATE_FETCH' // a master could not be asked, or answered something else than 200
  | 'ERR_STREAM' // a master's event stream could not be had, or has ended
  | 'ERR_STATE_DOCUMENT' // the master's answer is not a usable state document
  | 'ERR_SNAPSHOT' // the last good cluster on disk cannot be read or written
  | 'ERR_TABLE_FULL' // the records do not fit into the memory that the configuration allows
  | 'ERR_CORE' // the WebAssembly module is not the one that this host was built for
  | 'ERR_LISTEN'; // a socket could not be bound

export class MesosDnsError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'MesosDnsError';
    this.code = code;
  }
}

/** The text of whatever was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
