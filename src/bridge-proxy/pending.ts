import { type CallReason, ProtocolError } from "../base/errors.ts";
import { DEADLINE_ROUTE } from "./call-table.ts";
import { type CalleePort, NOBODY, type ProxyContext, type TryOwner } from "./context.ts";
import { answerReason } from "./dubbo/answers.ts";
import { ABANDONED, outcomeOfReason } from "./policies/outcome.ts";

/** Why a call is refused whose provider does not take what it was sent already. */
export const BACKLOG_FULL = "the provider has not taken what was sent before, up to the backlog limit";

/** Puts a call on the chain of those that wait on `callee`. */
export function linkCall(context: ProxyContext, slot: number, callee: CalleePort): void {
  const { calls } = context;
  calls.callees[slot] = callee;
  calls.previous[slot] = -1;
  calls.next[slot] = callee.firstCall;
  if (callee.firstCall >= 0) calls.previous[callee.firstCall] = slot;
  callee.firstCall = slot;
  callee.host.active++;
}

/** Lets a call that waits on one connection wait on another one. */
export function relinkCall(context: ProxyContext, slot: number, callee: CalleePort): void {
  unlinkCall(context, slot);
  linkCall(context, slot, callee);
}

/** A call's try that answers its caller itself, and the connection that it is on. */
export interface SlotOwner extends TryOwner {
  readonly callee: CalleePort;
}

/** The times of a try, monotonic ms; see the columns of the call table. */
export interface SlotTimes {
  readonly startMs: number;
  readonly deadlineMs: number;
  readonly deadlineKind: number;
}

/** Fills an allocated slot for a try that its owner answers: the table tells it of its time and of a lost connection, no more. */
export function fillSlot(context: ProxyContext, slot: number, owner: SlotOwner, times: SlotTimes): void {
  const { calls } = context;
  calls.callers[slot] = NOBODY;
  calls.exchanges[slot] = owner;
  calls.startMs[slot] = times.startMs;
  calls.deadlineMs[slot] = times.deadlineMs;
  calls.deadlineKind[slot] = times.deadlineKind;
  if (times.deadlineMs < context.earliestDeadlineMs) context.earliestDeadlineMs = times.deadlineMs;
  linkCall(context, slot, owner.callee);
}

/** Takes a call off its callee's chain and gives its slot back. */
export function endCall(context: ProxyContext, slot: number): void {
  unlinkCall(context, slot);
  context.calls.release(slot);
}

function unlinkCall({ calls }: ProxyContext, slot: number): void {
  const callee = calls.callees[slot]!;
  const next = calls.next[slot]!;
  const previous = calls.previous[slot]!;
  if (next >= 0) calls.previous[next] = previous;
  if (previous >= 0) calls.next[previous] = next;
  else callee.firstCall = next;
  callee.host.active--;
}

/** Ends a call that gets no answer from its callee: its owner decides, or the caller is told the reason. */
export function failCall(context: ProxyContext, slot: number, reason: CallReason, message: string): void {
  const { calls } = context;
  const owner = calls.exchanges[slot];
  if (owner !== undefined) {
    endCall(context, slot);
    owner.failed(reason, message);
    return;
  }
  calls.rows[slot]!.record(outcomeOfReason(reason), context.nowMs - calls.startMs[slot]!);
  const caller = calls.callers[slot]!;
  if (!caller.closed) {
    const to = {
      caller,
      idHigh: calls.idHigh[slot]!,
      idLow: calls.idLow[slot]!,
      serialization: calls.serialization[slot]!,
    };
    answerReason(to, reason, message);
  }
  endCall(context, slot);
}

/** Writes an error that no peer can be blamed for to the log, in full; the connection that met it ends, and no other. */
export function logBug(context: ProxyContext, error: unknown): void {
  if (!(error instanceof ProtocolError))
    context.log.error("bug: a frame could not be handled", { error: (error as Error).stack });
}

/** Ends every call that waits on `callee`, as when its connection is lost. */
export function failCallsOf(context: ProxyContext, callee: CalleePort, reason: CallReason, message: string): void {
  while (callee.firstCall >= 0) failCall(context, callee.firstCall, reason, message);
}

/** Lets the calls that wait for `callee` to connect go to other providers, those that have one: nothing was sent yet. */
export function moveCallsOf(context: ProxyContext, callee: CalleePort, message: string): void {
  const { calls } = context;
  callee.host.isPassedOver = true;
  for (let slot = callee.firstCall; slot >= 0; ) {
    const next = calls.next[slot]!;
    if (calls.exchanges[slot]?.hasOther() === true) failCall(context, slot, "connect_failure", message);
    slot = next;
  }
  callee.host.isPassedOver = false;
}

/**
 * Ends the calls whose deadline has passed and notes the earliest deadline left. One scan over the table serves all
 * time-outs: it runs only when the earliest deadline falls due, so calls that are answered in time cost nothing.
 */
export function sweepDeadlines(context: ProxyContext): void {
  const { calls, nowMs } = context;
  let earliest = Number.POSITIVE_INFINITY;
  // A call that is sent again during the scan may get a slot that was passed already: its deadline is noted here.
  context.earliestDeadlineMs = earliest;
  for (let slot = 0; slot < calls.end; slot++) {
    if (calls.callees[slot] === undefined) continue;
    const deadline = calls.deadlineMs[slot]!;
    if (deadline > nowMs) {
      if (deadline < earliest) earliest = deadline;
    } else if (calls.deadlineKind[slot] === DEADLINE_ROUTE) {
      failCall(context, slot, "timeout", `no answer within ${Math.round(deadline - calls.startMs[slot]!)} ms`);
    } else {
      abandonCall(context, slot);
    }
  }
  if (earliest < context.earliestDeadlineMs) context.earliestDeadlineMs = earliest;
}

function abandonCall(context: ProxyContext, slot: number): void {
  const { calls } = context;
  const owner = calls.exchanges[slot];
  const caller = calls.callers[slot]!;
  const untilMs = calls.startMs[slot]! + context.limits.maxCallMs;
  if (!caller.closed && untilMs > context.nowMs) {
    context.late.add(calls.generations[slot]!, slot, {
      caller,
      callee: calls.callees[slot]!,
      idHigh: calls.idHigh[slot]!,
      idLow: calls.idLow[slot]!,
      serialization: calls.serialization[slot]!,
      edit: owner?.lateEdit,
      untilMs,
    });
  }
  context.counters.abandonedCalls++;
  calls.rows[slot]?.record(ABANDONED, context.nowMs - calls.startMs[slot]!);
  endCall(context, slot);
  owner?.abandoned();
}
