import type { Denial } from "../authz/asked.ts";
import type { Ruling } from "../authz/checkpoint.ts";
import type { CompiledHost, CompiledRoute } from "../route.ts";
import { type LedCall, rulingOf, UNREADABLE } from "./guard.ts";

/** For so long it stands what was found of the services beside a route's, ms: looking costs more with each service that has policies. */
const KNOWN_MS = 1_000;

interface Known {
  readonly untilMs: number;
  readonly denial: Denial | undefined;
}

const known = new WeakMap<LedCall["peer"], WeakMap<CompiledRoute, Known>>();

/**
 * What policies say of a frame that cannot be read, on its way by `route`. It may be for whatever its providers serve: where policies of another
 * service do not let all calls through, it goes nowhere.
 */
export function unreadRuling(call: Omit<LedCall, "head" | "header" | "known">): Ruling | undefined {
  const ruling = rulingOf({ ...call, head: undefined, header: UNREADABLE, known: undefined });
  if (ruling?.denial !== undefined || !call.config.routes.hasPolicies) return ruling;
  const { peer, route, nowMs } = call;
  const routes = known.get(peer) ?? new WeakMap<CompiledRoute, Known>();
  known.set(peer, routes);
  let found = routes.get(route);
  if (found === undefined || nowMs >= found.untilMs) {
    const other = guardedBeside(call);
    found = { untilMs: nowMs + KNOWN_MS, denial: other && denialFor(other) };
    routes.set(route, found);
  }
  return found.denial === undefined ? ruling : { denial: found.denial, denied: undefined };
}

function denialFor({ host }: CompiledHost): Denial {
  const message = `what it calls is not read, and policies hold for ${host}, which these providers serve, too`;
  return { reason: "denied", message, policy: "" };
}

/** A service that is not the call's, that the same providers serve, and whose policies do not let all calls of the caller through. */
function guardedBeside({ config: { routes }, peer, decision, route }: Parameters<typeof unreadRuling>[0]) {
  const own = new Set(addressesOf(route));
  return routes.hosts.find((host) => {
    if (host === decision.host || !host.routes.some((one) => addressesOf(one).some((address) => own.has(address))))
      return false;
    const gate = host.policies?.gate(peer, undefined);
    return gate !== undefined && (gate.reads !== "nothing" || gate.denial !== undefined);
  });
}

function addressesOf({ targets }: CompiledRoute): readonly string[] {
  return targets.flatMap(({ cluster }) => cluster.dubbo.listed.map(({ host }) => `${host.address}:${host.port}`));
}
