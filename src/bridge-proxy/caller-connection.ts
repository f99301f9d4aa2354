/** One accepted connection, whatever it speaks. */
export interface CallerConnection {
  /** Bytes that the caller has not taken yet. */
  readonly backlogBytes: number;
  /** Asks the caller to send its next calls elsewhere. */
  leave(): void;
  /** Ends the connection behind what is queued. */
  end(): void;
  destroy(): void;
  tick(): void;
}
