/** What the admin API, `trestle proxies` and CSDS tell of the clients of the xDS server. */
import type { JsonObject } from "@bufbuild/protobuf";
import type { StringMatcher } from "../../codecs/xds/core.ts";
import { compileString, type TextTest } from "../../codecs/xds/match.ts";
import { indexOf } from "../../codecs/xds/served.ts";
import type { SubscriptionView } from "../../codecs/xds/server-stream.ts";
import type { Refusal, XdsClient } from "./client.ts";
import { shortType } from "./metrics.ts";

/** How one type of a client's stream stands: `stale` was sent and is not answered, `not sent` waits for its turn. */
export type SyncState = "synced" | "stale" | "not sent" | "error";

/** One type of one stream. */
export interface XdsTypeStatus {
  readonly type: string;
  readonly typeUrl: string;
  readonly state: SyncState;
  /** How many resources it has been offered: all of the type, or those that it asks for by name. */
  readonly resources: number;
  readonly version: string;
  readonly refusal?: Pick<Refusal, "message" | "names" | "version" | "origins" | "atMs">;
}

/** One stream. */
export interface XdsClientStatus {
  readonly node: string;
  readonly peer: string;
  readonly identity?: string;
  /** Such as `envoy 1.34.1`. */
  readonly agent: string;
  readonly stream: "delta" | "sotw";
  readonly connectedAtMs: number;
  readonly types: readonly XdsTypeStatus[];
}

/** All streams whose clients said who they are, by name of their nodes. */
export function clientStatuses(clients: Iterable<XdsClient>): XdsClientStatus[] {
  const list: XdsClientStatus[] = [];
  for (const { node, peer, variant, connectedAtMs, stream, refusals } of clients) {
    if (node === undefined) continue;
    list.push({
      node: node.id,
      peer,
      ...(node.identity !== undefined && { identity: node.identity }),
      agent: `${node.userAgentName} ${node.userAgentVersion}`.trim(),
      stream: variant,
      connectedAtMs,
      types: stream.subscriptions.map((one) => typeStatus(one, refusals.get(one.typeUrl))),
    });
  }
  return list.sort((a, b) => (a.node < b.node ? -1 : a.node > b.node ? 1 : 0));
}

function typeStatus(one: SubscriptionView, refusal: Refusal | undefined): XdsTypeStatus {
  return {
    type: shortType(one.typeUrl),
    typeUrl: one.typeUrl,
    state: stateOf(one),
    resources: one.wildcard ? one.list.length : one.names.size,
    version: one.acked?.version ?? "",
    ...(refusal !== undefined && {
      refusal: {
        message: refusal.message,
        names: refusal.names,
        version: refusal.version,
        origins: refusal.origins,
        atMs: refusal.atMs,
      },
    }),
  };
}

function stateOf({ waiting, refused, hasNews }: SubscriptionView): SyncState {
  if (refused !== undefined) return "error";
  if (waiting !== undefined) return "stale";
  // Who comes again with all that there is is sent nothing.
  return hasNews ? "not sent" : "synced";
}

/** Most resources that one answer of CSDS lists. */
const MAX_LISTED = 5_000;

const CONFIG_STATUS: Readonly<Record<SyncState, string>> = {
  synced: "SYNCED",
  stale: "STALE",
  "not sent": "NOT_SENT",
  error: "ERROR",
};

/** Most matchers that a ClientStatusRequest may have. */
const MAX_MATCHERS = 100;

/**
 * Which nodes a ClientStatusRequest (in proto3's JSON form) asks for, by their ids: those that one of its matchers takes, all where it has none.
 * Throws where it asks by anything else.
 */
export function askedNodes({ nodeMatchers }: JsonObject): TextTest {
  const matchers = (nodeMatchers ?? []) as { readonly nodeId?: StringMatcher; readonly nodeMetadatas?: unknown[] }[];
  if (matchers.length === 0) return () => true;
  if (matchers.length > MAX_MATCHERS) throw new Error(`more than ${MAX_MATCHERS} node_matchers`);
  const tests = matchers.map(({ nodeId, nodeMetadatas = [] }) => {
    if (nodeId === undefined || nodeMetadatas.length > 0) throw new Error("nodes are matched by node_id alone");
    return compileString(nodeId);
  });
  return (id) => tests.some((test) => test(id));
}

/**
 * A ClientStatusResponse in proto3's JSON form for the nodes whose id `isAsked` takes, names and versions without contents, at
 * most 5,000 resources in all. Source: envoy/service/status/v3/csds.proto.
 */
export function clientStatusResponse(clients: Iterable<XdsClient>, isAsked: TextTest): JsonObject {
  const config: JsonObject[] = [];
  let listed = 0;
  for (const { node, stream, refusals } of clients) {
    if (node === undefined || !isAsked(node.id)) continue;
    const configs: JsonObject[] = [];
    for (const one of stream.subscriptions) {
      const state = stateOf(one);
      const refusal = refusals.get(one.typeUrl);
      const index = indexOf(one.list);
      const names = one.wildcard ? index.keys() : one.names;
      for (const name of names) {
        if (listed++ >= MAX_LISTED) break;
        const isRefused = refusal?.names.includes(name) === true;
        configs.push({
          typeUrl: one.typeUrl,
          name,
          versionInfo: index.get(name)?.version ?? "",
          configStatus: CONFIG_STATUS[state === "error" && !isRefused ? "synced" : state],
          ...(isRefused && { errorState: { details: refusal.message, versionInfo: refusal.version } }),
        });
      }
    }
    config.push({ node: { id: node.id, cluster: node.cluster }, genericXdsConfigs: configs });
  }
  return { config };
}
