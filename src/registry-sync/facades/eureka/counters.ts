/** What a Eureka facade has counted since it started; only `sessions` goes down again. */
export interface EurekaCounters extends Record<string, number> {
  /** Connections open now. */
  sessions: number;
  connections: number;
  /** Connections refused by the allow list or for their number. */
  refused: number;
  requests: number;
  /** Requests ended for breaking HTTP or a limit, and answers that nobody read. */
  broken: number;
  /** Requests that no server of the registry answered. */
  upstreamFailures: number;
  /** Answers that were made here of what the registry has. */
  rewritten: number;
  /** Deltas that told a client to take the whole list. */
  resyncs: number;
  /** Clients that gave a password which is not that of the caller whose name they said. */
  loginsRefused: number;
}

/** All at zero. */
export function createCounters(): EurekaCounters {
  return {
    ...{ sessions: 0, connections: 0, refused: 0, requests: 0 },
    ...{ broken: 0, upstreamFailures: 0, rewritten: 0, resyncs: 0, loginsRefused: 0 },
  };
}
