/** What a Nacos facade has counted since it started; only `sessions` goes down again. */
export interface NacosCounters extends Record<string, number> {
  /** gRPC connections of clients that are open now. */
  sessions: number;
  connections: number;
  /** Connections refused by the allow list or for their number, and HTTP requests that are none of a client's. */
  refused: number;
  /** Connections ended for breaking the protocol or a limit. */
  broken: number;
  /** Connections to a server that could not be made, or broke while their client stayed. */
  upstreamFailures: number;
  /** Times that a client's registrations and subscriptions were made again at another connection, unseen by it. */
  resumed: number;
  /** Clients sent away because that could not be done. */
  abandoned: number;
  calls: number;
  /** Answers and pushes of the server that were too large to be passed on. */
  oversized: number;
  /** Pushes of the server. */
  pushes: number;
  /** Answers and pushes that were changed on their way. */
  rewritten: number;
  /** Pushes that no server sent. */
  artificial: number;
  httpRequests: number;
  udpPushes: number;
  /** Logins that the registry refused, or did not answer. */
  loginsRefused: number;
}

/** All at zero. */
export function createNacosCounters(): NacosCounters {
  return {
    sessions: 0,
    connections: 0,
    refused: 0,
    broken: 0,
    upstreamFailures: 0,
    resumed: 0,
    abandoned: 0,
    calls: 0,
    oversized: 0,
    pushes: 0,
    rewritten: 0,
    artificial: 0,
    httpRequests: 0,
    udpPushes: 0,
    loginsRefused: 0,
  };
}
