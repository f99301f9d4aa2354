import { ProtocolError } from "../../base/errors.ts";
import { Fastjson2Head } from "../../codecs/dubbo2/fastjson2-head.ts";
import { FASTJSON2, HEADER_BYTES, HESSIAN2 } from "../../codecs/dubbo2/frame.ts";
import { RequestHead } from "../../codecs/dubbo2/head.ts";
import type { RequestView } from "../../codecs/dubbo2/request-view.ts";
import type { Subject } from "../authz/question.ts";
import type { HostDecision } from "../route.ts";
import { UNREAD, UNREADABLE } from "./guard.ts";
import { headerLookup } from "./header-lookup.ts";
import { policyLookup } from "./readings.ts";

/** A held call, as far as a server is told of it. */
export interface AskedFrame {
  /** The whole request frame; nobody writes to it while the subject is used. */
  readonly frame: Buffer;
  readonly serialization: number;
  readonly decision: HostDecision;
  /** Who registered from the caller's address, for callers that do not say. */
  readonly application: string | undefined;
  readonly timeLeftMs: number;
}

/** A Dubbo2 call as an external server is asked for it: a POST whose headers are its attachments; nothing of one that is only carried. */
export function dubboSubject({ frame, serialization, decision, application, timeLeftMs }: AskedFrame): Subject {
  const { key, host } = decision.host;
  const head = headOf(frame, serialization);
  const headers = new Map<string, string>();
  const said = head === undefined ? UNREADABLE : headerLookup(head, key, application);
  if (head !== undefined) {
    // The server is told all that names in several cases of letters say: who serves the call goes by one of them.
    for (const [name, value] of Object.entries(head.attachments().toRecord())) {
      const before = headers.get(name.toLowerCase());
      headers.set(name.toLowerCase(), before === undefined ? value : `${before},${value}`);
    }
    for (const name of ["dubbo-group", "dubbo-version", "dubbo-application"]) {
      const value = said(name);
      if (value !== undefined) headers.set(name, value);
    }
  }
  return {
    header: head === undefined ? said : policyLookup(head, said),
    inspect: (check) => (head === undefined ? UNREAD : check.faultOf(head)),
    timeLeftMs,
    text: {
      method: "POST",
      headers,
      host,
      scheme: "http",
      query: "",
      size: frame.length - HEADER_BYTES,
      protocol: "dubbo",
    },
  };
}

function headOf(frame: Buffer, serialization: number): RequestView | undefined {
  if (serialization !== HESSIAN2 && serialization !== FASTJSON2) return undefined;
  const head = serialization === FASTJSON2 ? new Fastjson2Head() : new RequestHead();
  try {
    head.scan(frame, HEADER_BYTES, frame.length);
    return head;
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
