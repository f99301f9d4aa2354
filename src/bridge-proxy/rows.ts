import { printServiceKey } from "../model/service.ts";
import type { ProxyContext } from "./context.ts";
import type { CallRecord, MetricRow, RowLabels } from "./policies/metrics.ts";
import type { CompiledRoute, HostDecision, Target } from "./route.ts";

/** Where calls are counted that no virtual host took. */
export const UNKNOWN_ROW: RowLabels = {
  host: "unknown",
  service: "unknown",
  method: "unknown",
  cluster: "",
  subset: "",
  route: "",
};

/** Rows found before: a destination belongs to one route, so it and the decision stand for all labels. */
const rowsByDecision = new WeakMap<HostDecision, Map<Target, MetricRow>>();

/** The row for calls that were so decided and go to `target`; copies of calls have a record of their own. */
export function rowOf(
  context: ProxyContext,
  decision: HostDecision,
  route: CompiledRoute | undefined,
  target: Target | undefined,
): CallRecord {
  if (route?.isMirror === true) return context.mirrors;
  if (target === undefined) return context.rows.row(rowLabels(decision, route, target));
  let rows = rowsByDecision.get(decision);
  if (rows === undefined) {
    rows = new Map();
    rowsByDecision.set(decision, rows);
  }
  const picked = target.of ?? target;
  let row = rows.get(picked);
  if (row === undefined) {
    row = context.rows.row(rowLabels(decision, route, picked));
    rows.set(picked, row);
  }
  return row;
}

/** The labels under which a call is counted. */
export function rowLabels(
  decision: HostDecision,
  route: CompiledRoute | undefined,
  target: Target | undefined,
): RowLabels {
  const { key, host } = decision.host;
  const methods = target?.cluster.service.methods;
  return {
    host,
    service: printServiceKey(key),
    method: decision.method,
    ...(methods !== undefined && { known: methods.includes(decision.method) }),
    ...(decision.protocol !== undefined && { protocol: decision.protocol }),
    cluster: target?.cluster.name ?? "",
    subset: target?.cluster.service.subset ?? "",
    route: route?.name ?? "",
  };
}
