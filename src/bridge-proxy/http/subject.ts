import type { RequestHead } from "../../codecs/http1/head.ts";
import type { Peer } from "../authz/peer.ts";
import type { Subject } from "../authz/question.ts";
import { policyLookup } from "./guard.ts";
import { cutTarget } from "./head.ts";

/** A request as an external server is asked for it; `scheme` is what its caller came by. */
export function subjectOf(head: RequestHead, scheme: Peer["scheme"]): Subject {
  const { query } = cutTarget(head);
  const header = policyLookup(head, query, scheme);
  const headers = new Map<string, string>();
  for (const name of [":method", ":path", ":authority", ":scheme"]) headers.set(name, header(name) ?? "");
  for (let i = 0; i < head.fields.count; i++) {
    const name = head.fields.name(i).toLowerCase();
    const value = head.fields.value(i);
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before},${value}`);
  }
  return {
    header,
    timeLeftMs: Number.POSITIVE_INFINITY,
    text: {
      method: head.method,
      headers,
      host: header(":authority") ?? "",
      scheme,
      query: query.slice(1),
      size: head.chunked ? -1 : Math.max(0, head.contentLength),
      protocol: "HTTP/1.1",
    },
  };
}
