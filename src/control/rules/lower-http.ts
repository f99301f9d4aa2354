import type { Entry } from "../../model/entry.ts";
import type { VirtualService } from "../../model/rule.ts";
import { speaksOneOf } from "../compile/endpoints.ts";
import { type EntryIndex, resolveDestination } from "./hosts.ts";
import { type LoweredRoute, type LoweredService, lowerAction, routeName } from "./lower.ts";
import { lowerHttpMatch } from "./lower-gateway.ts";
import { EVERY_PATH } from "./path.ts";

const HTTP: readonly string[] = ["http"];

/** Whether a service speaks HTTP alone: its rules are of requests then, not of Java methods. */
export function isHttpService({ endpoints, mapped }: Entry): boolean {
  return mapped !== true && endpoints.length > 0 && endpoints.every((one) => speaksOneOf(one, HTTP));
}

/** Lowers the rule in force for a service that speaks HTTP: `uri` is the request's path, `method` its method. */
export function lowerHttpService(entry: Entry, rule: VirtualService | undefined, index: EntryIndex): LoweredService {
  const routes = rule === undefined ? [] : lowerRoutes(entry, rule, index);
  return { host: entry.host, rule: rule === undefined || routes.length === 0 ? undefined : rule.name, routes };
}

function lowerRoutes(entry: Entry, rule: VirtualService, index: EntryIndex): LoweredRoute[] {
  return rule.http.flatMap((route, position) => {
    if (route.route === undefined && route.directResponse === undefined) return [];
    const action = lowerAction(route, (host) => resolveDestination(host, entry, index));
    const { uri: rewrite, authority } = route.rewrite ?? {};
    const matches = route.match === undefined || route.match.length === 0 ? [undefined] : route.match;
    return matches.flatMap((match, i): LoweredRoute[] => {
      const { gateways = [] } = match ?? {};
      if (gateways.length > 0 && !gateways.includes("mesh")) return [];
      const lowered = match === undefined ? { path: EVERY_PATH, headers: [] } : lowerHttpMatch(match);
      if (lowered === undefined) return [];
      const place = (match ?? route).at.position;
      return [
        {
          name: routeName(rule, route, position, i),
          ...lowered,
          ...action,
          ...(rewrite !== undefined && { rewrite }),
          ...(authority !== undefined && { authority }),
          file: place.file,
          line: place.line,
          rule: rule.name,
        },
      ];
    });
  });
}
