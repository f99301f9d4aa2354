import { ERRORS, opName } from "../../../codecs/zookeeper/constants.ts";
import { packetBody } from "../../../codecs/zookeeper/frame.ts";
import type { ReplyHeader } from "../../../codecs/zookeeper/records.ts";
import { decodeReply } from "../../../codecs/zookeeper/replies.ts";
import { decodeRequest, type ReadRequest, type Request } from "../../../codecs/zookeeper/requests.ts";
import { mappingAt } from "../../present/directory.ts";
import { isElsewhereApplication } from "../../present/elsewhere-applications.ts";
import { MAX_WATCHES, type SessionCore } from "./core.ts";
import { eventPacket, missingStat, replyPacket, requestPacket, trailingStat, virtualStat } from "./packets.ts";

/**
 * The nodes `<root>/mapping/<interface>`, whose data names the applications that offer an interface, joined by commas: consumers at
 * application level look there for whom to follow. Those that stand for other registries' are added to what is read, and taken out
 * of what is written, since a provider (3.x) writes back what it read with its own name added.
 *
 * Where the registry has no such node, `getData` shows one, and `exists` to who sets a watch (Curator's NodeCache asks that first).
 * `exists` without a watch says the registry's truth: a provider takes the version to write over from there, and makes the node where
 * it is missing.
 */

/** Takes a request about a mapping; false for every other path, and where nothing is to be changed about it. */
export function forwardMapping(
  core: SessionCore,
  packet: Uint8Array,
  xid: number,
  type: number,
  path: string,
): boolean {
  const interfaceName = mappingAt(path, core.context);
  if (interfaceName === undefined) return false;
  const op = opName(type);
  if (op === "exists" || op === "getData") {
    const { watch } = decodeRequest(packetBody(packet)).request as ReadRequest;
    core.forward(packet, xid, (reply, header) => answer(core, { op, path, watch, interfaceName }, reply, header));
    return true;
  }
  const { request } = decodeRequest(packetBody(packet));
  const changed = withoutAdded(request);
  if (changed === undefined) return false;
  core.forward(requestPacket(xid, changed), xid);
  return true;
}

/**
 * Takes up the watches of a client that is back: what it was shown last is not known, so one that knows a node reads it again, and one
 * that waits for a node is told of what is shown by now. The server answers for its own nodes.
 */
export function resumeMappings(core: SessionCore, data: readonly string[], exist: readonly string[]): void {
  for (const [paths, isReal] of [[data, true] as const, [exist, false] as const]) {
    for (const path of paths) {
      const interfaceName = mappingAt(path, core.context);
      if (interfaceName === undefined || core.mappings.size >= MAX_WATCHES) continue;
      core.mappings.set(path, { interfaceName, added: isReal ? "?" : "", isReal });
    }
  }
  tellMappings(core);
}

/** The context was replaced: tells the client of mappings that it watches and that say something else now. */
export function tellMappings(core: SessionCore): void {
  for (const [path, { interfaceName, added, isReal }] of [...core.mappings]) {
    const now = addedIn(core, interfaceName).join(",");
    if (now === added) continue;
    core.mappings.delete(path);
    const type = isReal || (added !== "" && now !== "") ? "dataChanged" : now === "" ? "deleted" : "created";
    core.shared.counters.artificial++;
    core.outbox.add(eventPacket(type, path));
  }
}

interface MappingRead {
  readonly op: "exists" | "getData";
  readonly path: string;
  readonly watch: boolean;
  readonly interfaceName: string;
}

function answer(core: SessionCore, read: MappingRead, packet: Uint8Array, header: ReplyHeader): void {
  const { op, path, watch, interfaceName } = read;
  const isReal = header.err === ERRORS.ok;
  if (!isReal && header.err !== ERRORS.noNode) {
    core.outbox.add(packet);
    return;
  }
  const added = addedIn(core, interfaceName);
  if (watch && (isReal || op === "exists" || added.length > 0)) {
    if (core.mappings.size < MAX_WATCHES) core.mappings.set(path, { interfaceName, added: added.join(","), isReal });
  }
  if (added.length === 0 || (op === "exists" && (isReal || !watch))) {
    core.outbox.add(packet);
    return;
  }
  const real = isReal ? decodeReply(packetBody(packet), "getData").reply : undefined;
  const text = real?.op === "getData" ? new TextDecoder().decode(real.data) : "";
  const data = new TextEncoder().encode([...new Set([...namesIn(text), ...added])].join(","));
  const stat = isReal ? { ...trailingStat(packet)!, dataLength: data.length } : virtualStat(missingStat(0), data);
  core.shared.counters.rewritten++;
  core.outbox.add(
    replyPacket({ ...header, err: ERRORS.ok }, op === "exists" ? { op, stat } : { op: "getData", data, stat }),
  );
  // A read of a missing node leaves no watch behind: from now on its coming is told of.
  if (!isReal && op === "getData" && watch) core.inject({ op: "exists", path, watch: true }, () => {});
}

function addedIn(core: SessionCore, interfaceName: string): readonly string[] {
  return core.passes ? [] : core.context.mappedElsewhere(interfaceName);
}

/** A write without the names that only a facade has; undefined where it has none of these, or is no write of data. */
function withoutAdded(request: Request): Request | undefined {
  if (!("data" in request) || !(request.data instanceof Uint8Array)) return undefined;
  const names = namesIn(new TextDecoder().decode(request.data));
  const kept = names.filter((name) => !isElsewhereApplication(name));
  if (kept.length === names.length) return undefined;
  return { ...request, data: new TextEncoder().encode(kept.join(",")) } as Request;
}

function namesIn(text: string): string[] {
  return text.split(",").flatMap((name) => (name.trim() === "" ? [] : [name.trim()]));
}
