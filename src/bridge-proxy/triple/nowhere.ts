import type { HeaderLookup } from "../../codecs/xds/match.ts";
import type { CompiledRoute, HostDecision } from "../route.ts";
import type { CallerStream } from "./caller-stream.ts";
import type { TripleLane } from "./lanes.ts";
import type { TripleCallerPort } from "./served.ts";

/** The connection of nobody. */
export const NOBODY: TripleCallerPort = { forget: () => {} };

/** The stream of a call that nobody waits for: what is answered is gone. */
export class NowhereStream implements CallerStream {
  readonly fault = undefined;
  readonly requestEnded = true;
  readonly queuedBytes = 0;
  closed = false;

  head(): void {}

  data(): number {
    return 0;
  }

  trailers(): void {}

  release(): void {}

  interim(): void {}

  reset(): void {
    this.closed = true;
  }
}

/**
 * The lane of a copy of a call that was so decided: it is led by `route`, whatever rules say of it, and nobody's time is up. `header` is the
 * call's headers with what was read of its message, since policies may ask for that.
 */
export function laneOfCopy(
  lane: TripleLane,
  decision: HostDecision | undefined,
  route: CompiledRoute,
  header: HeaderLookup = lane.header,
): TripleLane {
  const callerTimeoutMs = Number.POSITIVE_INFINITY;
  const made = { decision, route, header, needsMessage: false, refusal: undefined, callerTimeoutMs, sent: undefined };
  return { ...lane, ...made };
}
