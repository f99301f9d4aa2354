import type { Entry } from "../../model/entry.ts";
import type { HttpMatch, VirtualService } from "../../model/rule.ts";
import { speaksOneOf } from "../compile/endpoints.ts";
import { type EntryIndex, resolveDestination } from "./hosts.ts";
import { type LoweredMatch, type LoweredService, lowerFor } from "./lower.ts";
import { lowerHttpMatch } from "./lower-gateway.ts";
import { EVERY_PATH } from "./path.ts";

const HTTP: readonly string[] = ["http"];

/** Whether a service speaks HTTP alone: its rules are of requests then, not of Java methods. */
export function isHttpService({ endpoints, mapped }: Entry): boolean {
  return mapped !== true && endpoints.length > 0 && endpoints.every((one) => speaksOneOf(one, HTTP));
}

/** Lowers the rule in force for a service that speaks HTTP: `uri` is the request's path, `method` its method. */
export function lowerHttpService(entry: Entry, rule: VirtualService | undefined, index: EntryIndex): LoweredService {
  return lowerFor(entry, rule, {
    resolve: (host) => resolveDestination(host, entry, index),
    match: lowerInMesh,
    more: ({ rewrite: { uri: rewrite, authority } = {} }) => ({
      ...(rewrite !== undefined && { rewrite }),
      ...(authority !== undefined && { authority }),
    }),
  });
}

function lowerInMesh(match: HttpMatch | undefined): LoweredMatch | undefined {
  if (match === undefined) return { path: EVERY_PATH, headers: [] };
  const { gateways = [] } = match;
  return gateways.length > 0 && !gateways.includes("mesh") ? undefined : lowerHttpMatch(match);
}
