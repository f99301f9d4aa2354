/**
 * One end of one connection in some protocol, as a machine without I/O: it gets bytes and the time, it gives events and bytes.
 * Every protocol has a server and a client machine of this shape; the socket drivers and the tests are the only callers.
 *
 * `In` are the events it reports, `Out` those it is told to send. Times are ms since 1970.
 */
export interface ConnectionMachine<In, Out> {
  /**
   * Takes bytes from the peer; returns what they complete. The bytes are only borrowed: events copy what they keep.
   * Throws `ProtocolError` when the peer broke the rules; after that only `takeOutput` may be called (the goodbye), then close.
   */
  receive(bytes: Uint8Array, nowMs: number): In[];
  /** Queues one message; `takeOutput` has its bytes. */
  send(event: Out, nowMs: number): void;
  /** Bytes to write to the peer since the last call; empty when there are none. The caller owns them. */
  takeOutput(): Uint8Array;
  /** When `tick` wants to be called, ms since 1970; undefined for not at all. */
  deadline(): number | undefined;
  /** Lets timers run (pings, read time-outs); returns events like `receive`. */
  tick(nowMs: number): In[];
}
