import type { Request } from "../../src/codecs/zookeeper/requests.ts";
import { ZooKeeperError } from "../../src/codecs/zookeeper/status.ts";
import { createZooKeeperClient, type ZooKeeperClient } from "../../src/registry-sync/sources/zookeeper/client.ts";
import type { ConformanceCase } from "../conformance/zookeeper.cases.ts";

/** A server under test, as `host` and `port`. */
export interface ServerUnderTest {
  readonly host: string;
  readonly port: number;
}

let count = 0;

/**
 * Runs one case and writes down every answer and event. Two servers that behave alike give equal transcripts: change numbers are
 * counted from the case's first, times and session ids are replaced by words, lists without an order are sorted.
 */
export async function transcriptOf(server: ServerUnderTest, one: ConformanceCase): Promise<readonly string[]> {
  const root = `/conformance-${process.pid}-${String(count++).padStart(5, "0")}`;
  const clients = new Map<string, ZooKeeperClient>();
  const owners = new Map<bigint, string>();
  const lines: string[] = [];
  const told: [client: string, what: string][] = [];
  let first: bigint | undefined;
  const open = async (name: string) => {
    const known = clients.get(name);
    if (known !== undefined) return known;
    const client = createZooKeeperClient({ servers: [server], sessionTimeoutMs: 8000 });
    await client.connected(10_000);
    clients.set(name, client);
    owners.set(client.session.sessionId, name);
    client.onEvent(({ type, state, path }) => told.push([name, `${type} ${state} ${path.replace(root, "$")}`]));
    return client;
  };
  // All at once and in this order, so that every server counts their sessions alike.
  for (const name of new Set(one.steps.map(([who]) => who))) await open(name);
  const owner = await open("z");
  await owner.create(root);
  first = (await owner.exists(root))?.czxid;
  const shown = (key: string, value: unknown): unknown => {
    if (typeof value === "string") return value.replaceAll(root, "$");
    if (value instanceof Uint8Array) return `0x${Buffer.from(value).toString("hex")}`;
    if (Array.isArray(value) && (key === "children" || key === "paths" || key === "acl" || key === "clients")) {
      return [...value].sort((x, y) => (JSON.stringify(x) < JSON.stringify(y) ? -1 : 1));
    }
    if (typeof value !== "bigint") return value;
    if (key === "ctime" || key === "mtime") return value === 0n ? "0" : "time";
    if (key === "ephemeralOwner") return value === 0n ? "0" : `session of ${owners.get(value) ?? "nobody"}`;
    return value === 0n || first === undefined ? String(value) : `+${value - first}`;
  };
  for (const [name, what] of one.steps) {
    const client = await open(name);
    if (what === "close") {
      await client.close();
      clients.delete(name);
      lines.push(`${name} closes`);
    } else {
      const answer = await ask(client, inside(what, root));
      lines.push(`${name} ${what.op} ${"path" in what ? what.path : ""}: ${JSON.stringify(answer, jsonable(shown))}`);
    }
    // An answer is behind all events that the server owed the client before.
    for (const other of clients.values()) await other.exists("/");
    // Each client has an order of its own; between clients there is none.
    for (const name of [...clients.keys()].sort()) {
      for (const [who, what] of told) if (who === name) lines.push(`  ${name} is told ${what}`);
    }
    told.length = 0;
  }
  await removeAll(owner, root);
  for (const client of clients.values()) await client.close();
  return lines;
}

async function ask(client: ZooKeeperClient, request: Request): Promise<unknown> {
  try {
    return await client.request(request);
  } catch (error) {
    if (error instanceof ZooKeeperError) return { err: error.code };
    throw error;
  }
}

/** JSON knows no bigint and turns bytes into objects before a replacer sees them: values are shown before that. */
function jsonable(shown: (key: string, value: unknown) => unknown) {
  return function (this: Record<string, unknown>, key: string): unknown {
    return shown(key, this[key]);
  };
}

function inside(request: Request, root: string): Request {
  const place = (path: string) => path.replace("$", root);
  if (request.op === "multi" || request.op === "multiRead") {
    return { ...request, ops: request.ops.map((op) => ({ ...op, path: place(op.path) })) };
  }
  if (request.op === "setWatches" || request.op === "setWatches2") {
    const { data, exist, child, persistent, recursive } = request;
    const [d, e, c, p, r] = [data, exist, child, persistent, recursive].map((paths) => paths.map(place));
    return { ...request, data: d, exist: e, child: c, persistent: p, recursive: r };
  }
  return "path" in request ? { ...request, path: place(request.path) } : request;
}

async function removeAll(client: ZooKeeperClient, path: string): Promise<void> {
  const { children } = await client.getChildren(path);
  for (const name of children) await removeAll(client, `${path}/${name}`).catch(() => {});
  await client.delete(path).catch(() => {});
}
