import { readFileSync } from "node:fs";
import type { Logger } from "../../base/log.ts";
import { WaitingRoom } from "../inbound/waiting.ts";
import { TlsContexts } from "./contexts.ts";
import { TlsRecord } from "./counters.ts";
import { StandingPeers } from "./standing.ts";
import type { TlsParts } from "./upstream.ts";

/** A certificate or key over this is not read from a file. */
const MAX_FILE_BYTES = 1024 * 1024;

/** What the connections of one proxy share of TLS. */
export class ProxyTls implements TlsParts {
  readonly contexts = new TlsContexts(readPem);
  readonly record: TlsRecord;
  readonly standing: StandingPeers;
  readonly wallMs = () => Date.now();
  /** Accepted connections that have not said yet what they speak. */
  readonly waiting: WaitingRoom;
  /** Handshakes of accepted connections that are under way. */
  handshakes = 0;

  constructor(log: Logger, maxWaiting: number) {
    this.record = new TlsRecord(log);
    this.standing = new StandingPeers(this.contexts, this.record);
    this.waiting = new WaitingRoom(maxWaiting);
  }
}

function readPem(path: string): string {
  const text = readFileSync(path, "utf8");
  if (text.length > MAX_FILE_BYTES) throw new Error(`${path} is over ${MAX_FILE_BYTES} bytes`);
  return text;
}
