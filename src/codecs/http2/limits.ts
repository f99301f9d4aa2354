/** Bounds and announced settings of one HTTP/2 connection; bytes, ms and counts. */
export interface Http2Limits {
  /** Streams that the peer may have open. More are refused. */
  readonly maxStreams: number;
  /** What a header list may count (RFC 9113 section 6.5.2); a block may have as many octets. */
  readonly maxHeaderListBytes: number;
  /** CONTINUATION frames of one block. */
  readonly maxContinuations: number;
  /** The payload of one frame; 16384 at least. */
  readonly maxFrameBytes: number;
  /** Unreleased content of one stream. */
  readonly streamWindowBytes: number;
  /** Unreleased content of the connection. */
  readonly connectionWindowBytes: number;
  /** Content of one stream that waits for the peer's window. */
  readonly maxQueuedBytes: number;
  /** Content of all streams that waits for the peer's windows. */
  readonly maxAllQueuedBytes: number;
  /** Unwritten output beyond which the peer is taken for one that never reads. Content waits elsewhere and does not count. */
  readonly maxOutputBytes: number;
  /** The HPACK table of each direction. */
  readonly headerTableBytes: number;
  /** Until the preface and the acknowledgement of our SETTINGS, and until a block of header frames is complete. */
  readonly handshakeMs: number;
  /** How long queued content of a stream may wait without moving. */
  readonly stallMs: number;
  /** How long the ping of a graceful goodbye is waited for. */
  readonly drainPingMs: number;
}

/** The bounds where none are given. */
export const DEFAULT_HTTP2_LIMITS: Http2Limits = {
  maxStreams: 1000,
  maxHeaderListBytes: 64 * 1024,
  maxContinuations: 16,
  maxFrameBytes: 16_384,
  streamWindowBytes: 256 * 1024,
  connectionWindowBytes: 4 * 1024 * 1024,
  maxQueuedBytes: 16 * 1024 * 1024,
  maxAllQueuedBytes: 128 * 1024 * 1024,
  maxOutputBytes: 8 * 1024 * 1024,
  headerTableBytes: 4096,
  handshakeMs: 10_000,
  stallMs: 60_000,
  drainPingMs: 1000,
};
