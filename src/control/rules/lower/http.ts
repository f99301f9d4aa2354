import type { Entry } from "../../../model/entry.ts";
import type { VirtualService } from "../../../model/rule.ts";
import type { HttpMatch } from "../../../model/rules/http-route.ts";
import { usualPort } from "../../compile/endpoints.ts";
import { meshClient, type RuleClient } from "../client.ts";
import { type EntryIndex, resolveDestination } from "../hosts.ts";
import { EVERY_PATH } from "../path.ts";
import { lowerHttpMatch } from "./gateway.ts";
import {
  type LoweredMatch,
  type LoweredService,
  type LowerOptions,
  lowerCaller,
  lowerFor,
  portMatches,
} from "./lower.ts";

/** Lowers the rule in force for a service that speaks HTTP: `uri` is the request's path, `method` its method. */
export function lowerHttpService(
  entry: Entry,
  rule: VirtualService | undefined,
  index: EntryIndex,
  { client = meshClient(), isHashed }: LowerOptions = {},
): LoweredService {
  return lowerFor(entry, rule, {
    resolve: (destination) => resolveDestination(destination, entry, index),
    match: (match) => lowerInMesh(match, entry, client),
    port: usualPort(entry),
    ...(isHashed !== undefined && { isHashed }),
  });
}

/**
 * Lowers one match of requests (undefined: every request) for a service and the callers of one proxy; undefined where none can meet it. Of a
 * caller nothing is known but what its own proxy says: a request names no application.
 */
export function lowerInMesh(match: HttpMatch | undefined, entry: Entry, client: RuleClient): LoweredMatch | undefined {
  if (match === undefined) return { path: EVERY_PATH, headers: [] };
  const { gateways = [] } = match;
  if (gateways.length > 0 && !gateways.includes("mesh")) return undefined;
  if (!portMatches(match, entry)) return undefined;
  const caller = lowerCaller(match, { ...client, isShared: false });
  const { sourceLabels: _, sourceNamespace: __, ...rest } = match;
  return caller === undefined ? undefined : lowerHttpMatch(rest);
}
