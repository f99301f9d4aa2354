import type { Logger } from "../../base/log.ts";
import type { DeltaResources } from "../../codecs/xds/resources.ts";
import { VerifiedTokens } from "./jwt.ts";
import { KeyRing, providersIn } from "./key-ring.ts";
import { KeyWaits } from "./key-waits.ts";
import type { LaneFacts } from "./predicate.ts";
import { maySign } from "./token.ts";

/** What policies did, all monotonic. */
export interface AuthzCounters extends Record<string, number> {
  /** Calls that a policy, or the lack of one that allows, refused. */
  authzDenied: number;
  /** Calls that an AUDIT policy matched. */
  authzAudited: number;
  /** Calls in which a serialization guard found something. */
  serializationFaults: number;
  /** Lines about them that were left out: more came in a second than are written. */
  authzLinesLeftOut: number;
  dryRunDenyAllowed: number;
  dryRunDenyDenied: number;
  dryRunAllowAllowed: number;
  dryRunAllowDenied: number;
  dryRunCustomAllowed: number;
  dryRunCustomDenied: number;
  /** Calls that an external server was asked for, and those of them that it gave no answer for. */
  extAuthzAsked: number;
  extAuthzFailed: number;
}

/** Lines of audit and denial that one proxy writes in a second, each kind by itself. */
export const LINES_A_SECOND = 20;
const SECOND_MS = 1_000;
const MAX_PATH = 300;

/** Counts and logs what policies decide. A flood of refused calls fills no disk: lines over {@link LINES_A_SECOND} are only counted. */
export class AuthzStats {
  readonly counters: AuthzCounters = {
    authzDenied: 0,
    authzAudited: 0,
    serializationFaults: 0,
    authzLinesLeftOut: 0,
    dryRunDenyAllowed: 0,
    dryRunDenyDenied: 0,
    dryRunAllowAllowed: 0,
    dryRunAllowDenied: 0,
    dryRunCustomAllowed: 0,
    dryRunCustomDenied: 0,
    extAuthzAsked: 0,
    extAuthzFailed: 0,
  };
  /** Of all services' tokens. */
  readonly verified = new VerifiedTokens();
  readonly keys = new KeyRing();
  /** Calls whose token is signed by a key that is not known. */
  readonly keyWaits: KeyWaits;
  readonly #log: Logger;
  readonly #nowMs: () => number;
  readonly #lines = {
    audit: { sinceMs: Number.NEGATIVE_INFINITY, count: 0 },
    denied: { sinceMs: Number.NEGATIVE_INFINITY, count: 0 },
    guarded: { sinceMs: Number.NEGATIVE_INFINITY, count: 0 },
    failed: { sinceMs: Number.NEGATIVE_INFINITY, count: 0 },
  };

  constructor(log: Logger, nowMs: () => number, keyWaits = new KeyWaits(undefined)) {
    this.#log = log;
    this.#nowMs = nowMs;
    this.keyWaits = keyWaits;
  }

  /** These resources are in force now; calls may have waited for keys among them. */
  takeKeys(changes: readonly DeltaResources[]): void {
    for (const [issuer, keys] of this.keys.take(providersIn(changes)))
      this.keyWaits.keysCame(issuer, (mark) => maySign(keys, mark));
  }

  /** A rule of an AUDIT policy matched a call. */
  audited(policy: string, facts: LaneFacts): void {
    this.counters.authzAudited++;
    if (this.#mayWrite("audit")) this.#log.info("audit", lineOf(policy, facts));
  }

  /** A call was refused, by a policy's rule or (`""`) since none allowed it. */
  denied(policy: string, facts: LaneFacts): void {
    this.counters.authzDenied++;
    if (this.#mayWrite("denied")) this.#log.info("call denied", lineOf(policy || "none allows it", facts));
  }

  /** A serialization guard found something; on trial it refuses nothing. */
  guarded(fault: string, facts: LaneFacts, dryRun: boolean): void {
    this.counters.serializationFaults++;
    if (this.#mayWrite("guarded"))
      this.#log.warn(dryRun ? "call would be refused" : "call refused", lineOf(`SerializationGuard: ${fault}`, facts));
  }

  /** An external server gave no answer. */
  extFailed(policy: string, failure: string): void {
    if (this.#mayWrite("failed"))
      this.#log.warn("external authorization server did not answer", { policy, error: failure.slice(0, MAX_PATH) });
  }

  /** What policies of an action that are only tried would have done. */
  dryRun(action: "allow" | "deny" | "custom", denied: boolean): void {
    const { counters } = this;
    if (action === "custom") {
      if (denied) counters.dryRunCustomDenied++;
      else counters.dryRunCustomAllowed++;
    } else if (action === "deny") {
      if (denied) counters.dryRunDenyDenied++;
      else counters.dryRunDenyAllowed++;
    } else if (denied) counters.dryRunAllowDenied++;
    else counters.dryRunAllowAllowed++;
  }

  #mayWrite(kind: "audit" | "denied" | "guarded" | "failed"): boolean {
    const lines = this.#lines[kind];
    const nowMs = this.#nowMs();
    if (nowMs - lines.sinceMs >= SECOND_MS) {
      lines.sinceMs = nowMs;
      lines.count = 0;
    }
    if (++lines.count <= LINES_A_SECOND) return true;
    this.counters.authzLinesLeftOut++;
    return false;
  }
}

function lineOf(policy: string, { peer, path }: LaneFacts): Record<string, string> {
  return {
    policy,
    path: (path ?? "unknown").slice(0, MAX_PATH),
    from: peer.address,
    ...(peer.spiffeId !== undefined && { principal: peer.spiffeId }),
  };
}
