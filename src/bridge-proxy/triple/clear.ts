import { CallError } from "../../base/errors.ts";
import { type Fields, fieldValue } from "../../codecs/fields.ts";
import { fromField } from "../../codecs/triple/text.ts";
import type { HeaderLookup } from "../../codecs/xds/match.ts";
import type { Denial } from "../authz/asked.ts";
import type { Ruling } from "../authz/checkpoint.ts";
import { pass, type Subject } from "../authz/question.ts";
import { certain } from "../authz/served.ts";
import type { CompiledRoute, HostDecision, Target } from "../route.ts";
import { outsideLookup } from "./guard.ts";
import { type Refusal, sentFields, type TripleLane } from "./lanes.ts";
import { policyLookup } from "./readings.ts";

/** A call that was led to a destination. */
export interface ClearedCall {
  readonly ruling: Ruling | undefined;
  readonly lane: TripleLane;
  readonly decision: HostDecision;
  readonly route: CompiledRoute;
  readonly target: Target;
  /** Its head as it came. */
  readonly fields: Fields;
  /** Its headers as rules see them, and arguments as policies do. */
  readonly header: HeaderLookup;
  readonly timeLeftMs: number;
}

/**
 * Does what policies ask for before a call goes to a destination, and makes its head: `go` gets the destination, which may have changes of this
 * call alone, and the head as it goes there. What is returned gives up the waiting for a server; undefined where nobody is asked.
 */
export function clear(
  call: ClearedCall,
  go: (target: Target, sent: Fields) => void,
  refuse: (refusal: Refusal | Denial) => void,
): (() => void) | undefined {
  const { ruling, lane, decision, route, target, fields } = call;
  const send = (to: Target) => {
    let sent: Fields;
    try {
      // What is changed for one call is not remembered for others.
      sent = sentFields(to === target ? lane : { ...lane, sent: undefined }, decision, fields, route, to);
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      refuse(error);
      return;
    }
    go(to, sent);
  };
  const denial = ruling?.denied?.get(target);
  const opening = ruling?.open?.get(target);
  if (denial !== undefined) refuse(denial);
  else if (opening === undefined) send(target);
  else return pass(opening, target, () => subjectOf(call), { go: send, refuse });
  return undefined;
}

function subjectOf({ lane, decision, fields, header, timeLeftMs }: ClearedCall): Subject {
  const seen =
    lane.outside === true ? outsideLookup(fields, header, decision) : policyLookup(fields, lane.head!, header);
  const headers = new Map<string, string>();
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i]!;
    const value = fromField(fields[i + 1]!);
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before},${value}`);
  }
  for (const name of ["dubbo-group", "dubbo-version", "dubbo-application"]) {
    const value = certain(seen, name);
    if (value !== undefined) headers.set(name, value);
  }
  const path = fieldValue(fields, ":path") ?? "";
  const mark = path.indexOf("?");
  return {
    header: seen,
    timeLeftMs,
    text: {
      method: fieldValue(fields, ":method") ?? "POST",
      headers,
      host: fieldValue(fields, ":authority") ?? fieldValue(fields, "host") ?? decision.host.host,
      scheme: fieldValue(fields, ":scheme") ?? "http",
      query: mark < 0 ? "" : path.slice(mark + 1),
      size: Number(fieldValue(fields, "content-length") ?? -1),
      protocol: "HTTP/2",
    },
  };
}
