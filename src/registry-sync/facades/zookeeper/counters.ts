/** What a facade has counted since it started; only `sessions` goes down again. */
export interface FacadeCounters extends Record<string, number> {
  /** Connections open now. */
  sessions: number;
  connections: number;
  /** Connections refused by the allow list or for their number. */
  refused: number;
  /** Connections ended for breaking the protocol or a limit, by either side. */
  broken: number;
  /** Connections closed because no server of the registry could be reached, or it closed them before it answered. */
  upstreamFailures: number;
  packetsFromClients: number;
  packetsFromServers: number;
  /** Answers that were changed on their way. */
  rewritten: number;
  /** Watch events of the server that told of nothing a client is shown. */
  suppressed: number;
  /** Watch events that no server sent. */
  artificial: number;
  /** Requests that clients did not send. */
  injected: number;
  /** Clients that gave a password which is not that of the caller whose name they said. */
  loginsRefused: number;
}

/** All at zero. */
export function createCounters(): FacadeCounters {
  return {
    sessions: 0,
    connections: 0,
    refused: 0,
    broken: 0,
    upstreamFailures: 0,
    packetsFromClients: 0,
    packetsFromServers: 0,
    rewritten: 0,
    suppressed: 0,
    artificial: 0,
    injected: 0,
    loginsRefused: 0,
  };
}
