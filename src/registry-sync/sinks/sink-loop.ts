import type { Clock } from "../../base/clock.ts";
import type { Latest } from "../../base/latest.ts";
import type { Logger } from "../../base/log.ts";
import type { Entry, Finding } from "../../model/entry.ts";
import { printServiceKey } from "../../model/service.ts";
import type { Changes, Sink, SyncState } from "../contracts.ts";
import { endpointCounts } from "../diff.ts";
import { isEmpty } from "../merge/plan.ts";
import { Standing } from "../merge/standing.ts";
import { retrying } from "../retrying.ts";

/** What {@link runSink} works with. */
export interface SinkLoopOptions {
  readonly sink: Sink;
  readonly state: Latest<SyncState>;
  readonly owner: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Told what stands in the way (TR0141), whenever that changes; each time all of it. */
  readonly onFindings: (findings: readonly Finding[]) => void;
  /** Told what was done, after it was done, and by which state. */
  readonly onApplied?: (changes: Changes, state: SyncState) => void;
}

/** After this time the next change reads the sink anew though nothing failed, so that what others did to it is put right. */
const REREAD_MS = 300_000;
/** The same while others' entries stand in the way: someone may be about to remove them. */
export const REREAD_BLOCKED_MS = 30_000;

/**
 * Keeps one sink as the state wants it until the signal. What stands in the sink is read at the start, after a failure and
 * at the first change after five minutes; in between it is remembered. Each applied change is one line of the audit log.
 */
export async function runSink(options: SinkLoopOptions): Promise<void> {
  const { sink, state, owner, clock, logger, signal, onFindings } = options;
  const log = logger.child({ sink: sink.name });
  let told = "";
  await retrying({ what: `sink ${sink.name}`, clock, logger, signal }, async (succeeded) => {
    let standing: Standing | undefined;
    let readAtMs = 0;
    for await (const now of state.watch(signal)) {
      const { entries, silent, worlds } = now;
      if (worlds.length === 0) continue;
      if (standing === undefined || clock.now() - readAtMs >= (told === "" ? REREAD_MS : REREAD_BLOCKED_MS)) {
        const stored = sink.stored?.bind(sink);
        standing = new Standing(await sink.current(), { owner, ...(stored && { stored }) });
        readAtMs = clock.now();
      }
      const { changes, findings } = standing.plan(entries, silent);
      const refusals = findings.map((one) => one.message).join("; ");
      if (refusals !== told) onFindings(findings);
      told = refusals;
      if (!isEmpty(changes)) {
        await sink.apply(changes);
        audit(log, changes);
        options.onApplied?.(changes, now);
        standing.done(changes);
      }
      succeeded();
    }
  });
}

function audit(log: Logger, changes: Changes): void {
  for (const entry of changes.create)
    log.info("entry created", { ...nameOf(entry), endpoints: entry.endpoints.length });
  for (const { before, after } of changes.update) {
    const counts = endpointCounts(before.endpoints, after.endpoints);
    log.info("entry updated", { ...nameOf(after), endpoints: after.endpoints.length, ...counts });
  }
  for (const entry of changes.delete) log.info("entry deleted", nameOf(entry));
}

function nameOf(entry: Entry): { readonly host: string; readonly service: string } {
  return { host: entry.host, service: printServiceKey(entry.service) };
}
