import { parentPath, pathFault } from "../../codecs/zookeeper/paths.ts";
import type { Acl, Stat } from "../../codecs/zookeeper/records.ts";
import { OPEN_ACL } from "../../codecs/zookeeper/records.ts";
import { zooKeeperError } from "../../codecs/zookeeper/status.ts";

/**
 * The data of an in-memory ZooKeeper: nodes, their Stats, and the rules for changing them. No I/O, no clock.
 *
 * Codes and orders of checks are those of PrepRequestProcessor and DataTree of ZooKeeper 3.8, seen by asking one.
 */

/** One change's place in the history: its number, and the time it happened at, ms since 1970. */
export interface Txn {
  readonly zxid: bigint;
  readonly timeMs: number;
}

/** What a change did to a node, for the watches. */
export interface Change {
  readonly type: "created" | "deleted" | "dataChanged";
  readonly path: string;
}

/** What may grow, and how far. */
export interface TreeLimits {
  readonly maxNodes: number;
  /** Paths and data together, bytes. */
  readonly maxBytes: number;
}

/** What to create; `owner` is the session of an ephemeral node, 0 for others. */
export interface NewNode {
  readonly path: string;
  readonly data: Uint8Array | null;
  readonly acl: readonly Acl[];
  readonly owner: bigint;
  readonly sequential: boolean;
  readonly container: boolean;
}

/** Asks for leave to use a node with that ACL; throws when it is not given. */
export type CheckAcl = (acl: readonly Acl[]) => void;

interface Node {
  data: Uint8Array | null;
  acl: readonly Acl[];
  czxid: bigint;
  mzxid: bigint;
  pzxid: bigint;
  ctimeMs: number;
  mtimeMs: number;
  version: number;
  aversion: number;
  /** Children ever created; the cversion that clients see is reckoned from it, and sequential names are made of it. */
  creates: number;
  owner: bigint;
  container: boolean;
  readonly children: Set<string>;
}

/** Paths that no client may delete. */
const SPECIAL = new Set(["/", "/zookeeper", "/zookeeper/quota", "/zookeeper/config"]);

const READ_ONLY_ACL: readonly Acl[] = [{ perms: 1, scheme: "world", id: "anyone" }];

/** The nodes of one registry. Every operation throws `ZooKeeperError` and then has changed nothing. */
export class Tree {
  readonly #nodes = new Map<string, Node>();
  readonly #ephemerals = new Map<bigint, Set<string>>();
  readonly #containers = new Set<string>();
  readonly #limits: TreeLimits;
  #bytes = 0;
  /** How to take back what the open batch has done so far, last first. */
  #undo: (() => void)[] | undefined;

  constructor(limits: TreeLimits) {
    this.#limits = limits;
    const plain = { data: new Uint8Array(0), owner: 0n, sequential: false, container: false };
    this.#insert("/", { ...plain, path: "/", acl: OPEN_ACL }, { zxid: 0n, timeMs: 0 });
    for (const path of ["/zookeeper", "/zookeeper/quota", "/zookeeper/config"]) {
      this.#insert(path, { ...plain, path, acl: path.endsWith("config") ? READ_ONLY_ACL : OPEN_ACL }, NO_TXN);
    }
    this.#get("/zookeeper/config").aversion = -1;
  }

  get nodeCount(): number {
    return this.#nodes.size;
  }

  /** Bytes of paths and data. */
  get bytes(): number {
    return this.#bytes;
  }

  get ephemeralCount(): number {
    let count = 0;
    for (const paths of this.#ephemerals.values()) count += paths.size;
    return count;
  }

  /** Makes a node; returns the path it got. Throws badArguments, noNode, nodeExists, noChildrenForEphemerals, systemError (full). */
  create(node: NewNode, txn: Txn, checkAcl: CheckAcl): string {
    const slash = node.path.lastIndexOf("/");
    if (slash < 0 || node.path.includes("\0")) throw zooKeeperError("badArguments", node.path);
    const parent = this.#get(slash === 0 ? "/" : node.path.slice(0, slash), node.path);
    checkAcl(parent.acl);
    const path = node.sequential ? node.path + String(parent.creates).padStart(10, "0") : node.path;
    if (pathFault(path) !== undefined) throw zooKeeperError("badArguments", path);
    if (this.#nodes.has(path)) throw zooKeeperError("nodeExists", path);
    if (parent.owner !== 0n) throw zooKeeperError("noChildrenForEphemerals", path);
    this.#makeRoom(path.length + (node.data?.length ?? 0), 1);
    const before = { creates: parent.creates, pzxid: parent.pzxid };
    this.#insert(path, node, txn);
    parent.creates++;
    parent.pzxid = txn.zxid;
    this.#undo?.push(() => {
      this.#remove(path);
      Object.assign(parent, before);
    });
    return path;
  }

  /** Removes a node. Throws badArguments, noNode, badVersion, notEmpty. */
  delete(path: string, version: number, txn: Txn, checkAcl: CheckAcl): void {
    if (!path.includes("/") || path.includes("\0") || SPECIAL.has(path)) throw zooKeeperError("badArguments", path);
    const parent = this.#get(parentPath(path), path);
    checkAcl(parent.acl);
    const node = this.#get(path);
    checkVersion(path, node.version, version);
    if (node.children.size > 0) throw zooKeeperError("notEmpty", path);
    const { pzxid } = parent;
    this.#remove(path);
    parent.pzxid = txn.zxid;
    this.#undo?.push(() => {
      this.#attach(path, node);
      parent.pzxid = pzxid;
    });
  }

  /** Replaces a node's data. Throws badArguments, noNode, badVersion, systemError (full). */
  setData(path: string, data: Uint8Array | null, version: number, txn: Txn, checkAcl: CheckAcl): Stat {
    if (pathFault(path) !== undefined) throw zooKeeperError("badArguments", path);
    const node = this.#get(path);
    checkAcl(node.acl);
    checkVersion(path, node.version, version);
    const growth = (data?.length ?? 0) - (node.data?.length ?? 0);
    this.#makeRoom(growth, 0);
    const before = { data: node.data, version: node.version, mzxid: node.mzxid, mtimeMs: node.mtimeMs };
    Object.assign(node, { data, version: node.version + 1, mzxid: txn.zxid, mtimeMs: txn.timeMs });
    this.#bytes += growth;
    this.#undo?.push(() => {
      Object.assign(node, before);
      this.#bytes -= growth;
    });
    return statOf(node);
  }

  /** Replaces a node's ACL; `version` is tested against its aversion. Throws badArguments, noNode, badVersion. */
  setAcl(path: string, acl: readonly Acl[], version: number, checkAcl: CheckAcl): Stat {
    if (pathFault(path) !== undefined) throw zooKeeperError("badArguments", path);
    const node = this.#get(path);
    checkAcl(node.acl);
    checkVersion(path, node.aversion, version);
    node.acl = acl;
    node.aversion++;
    return statOf(node);
  }

  /** Tests a node's version. Throws badArguments, noNode, badVersion. */
  check(path: string, version: number, checkAcl: CheckAcl): void {
    if (pathFault(path) !== undefined) throw zooKeeperError("badArguments", path);
    const node = this.#get(path);
    checkAcl(node.acl);
    checkVersion(path, node.version, version);
  }

  /** Runs `operations` all or none: when it throws, what it did to the tree is taken back. */
  atomically<T>(operations: () => T): T {
    const undo: (() => void)[] = [];
    this.#undo = undo;
    try {
      return operations();
    } catch (error) {
      this.#undo = undefined;
      for (const step of undo.reverse()) step();
      throw error;
    } finally {
      this.#undo = undefined;
    }
  }

  /** A node's Stat; undefined when there is no such node. */
  stat(path: string): Stat | undefined {
    const node = this.#find(path);
    return node === undefined ? undefined : statOf(node);
  }

  /** A node's data, ACL, Stat and children's names; throws noNode. What it returns must not be changed. */
  read(path: string): { data: Uint8Array | null; acl: readonly Acl[]; stat: Stat; children: readonly string[] } {
    const node = this.#get(path);
    return { data: node.data, acl: node.acl, stat: statOf(node), children: [...node.children] };
  }

  /** How many nodes are below a path, at any depth; `checkAcl` gets the ACL of the node itself. Throws noNode. */
  countBelow(path: string, checkAcl: CheckAcl): number {
    checkAcl(this.#get(path).acl);
    const prefix = path === "/" ? "/" : `${path}/`;
    let count = 0;
    for (const other of this.#nodes.keys()) if (other.startsWith(prefix) && other !== path) count++;
    return count;
  }

  /** Paths of a session's ephemeral nodes. */
  ephemeralsOf(session: bigint): readonly string[] {
    return [...(this.#ephemerals.get(session) ?? [])];
  }

  /** Sessions that own ephemeral nodes. */
  ephemeralOwners(): readonly bigint[] {
    return [...this.#ephemerals.keys()];
  }

  /** Removes all ephemeral nodes of a session; returns their paths. */
  dropSession(session: bigint, txn: Txn): readonly string[] {
    const paths = this.ephemeralsOf(session);
    for (const path of paths) {
      this.#remove(path);
      this.#get(parentPath(path)).pzxid = txn.zxid;
    }
    return paths;
  }

  /** Containers that had children and have none now. */
  emptyContainers(): readonly string[] {
    return [...this.#containers].filter((path) => {
      const node = this.#get(path);
      return node.creates > 0 && node.children.size === 0;
    });
  }

  #find(path: string): Node | undefined {
    // Old servers keep the root under the empty path too, and answer reads of it.
    return this.#nodes.get(path === "" ? "/" : path);
  }

  #get(path: string, named = path): Node {
    const node = this.#find(path);
    if (node === undefined) throw zooKeeperError("noNode", named);
    return node;
  }

  #insert(path: string, from: Omit<NewNode, "sequential">, { zxid, timeMs }: Txn): void {
    const { data, acl, owner, container } = from;
    const zxids = { czxid: zxid, mzxid: zxid, pzxid: zxid };
    const counts = { version: 0, aversion: 0, creates: 0 };
    const times = { ctimeMs: timeMs, mtimeMs: timeMs };
    this.#attach(path, { data, acl, owner, container, ...zxids, ...times, ...counts, children: new Set() });
  }

  #attach(path: string, node: Node): void {
    this.#nodes.set(path, node);
    this.#bytes += path.length + (node.data?.length ?? 0);
    if (path !== "/") this.#get(parentPath(path)).children.add(path.slice(path.lastIndexOf("/") + 1));
    if (node.container) this.#containers.add(path);
    if (node.owner === 0n) return;
    const owned = this.#ephemerals.get(node.owner);
    if (owned === undefined) this.#ephemerals.set(node.owner, new Set([path]));
    else owned.add(path);
  }

  #remove(path: string): void {
    const node = this.#get(path);
    this.#nodes.delete(path);
    this.#containers.delete(path);
    this.#bytes -= path.length + (node.data?.length ?? 0);
    this.#get(parentPath(path)).children.delete(path.slice(path.lastIndexOf("/") + 1));
    const owned = this.#ephemerals.get(node.owner);
    owned?.delete(path);
    if (owned?.size === 0) this.#ephemerals.delete(node.owner);
  }

  #makeRoom(bytes: number, nodes: number): void {
    if (bytes <= 0 && nodes === 0) return;
    const full = this.#nodes.size + nodes > this.#limits.maxNodes || this.#bytes + bytes > this.#limits.maxBytes;
    if (full) throw zooKeeperError("systemError");
  }
}

const NO_TXN: Txn = { zxid: 0n, timeMs: 0 };

function checkVersion(path: string, current: number, expected: number): void {
  if (expected !== -1 && expected !== current) throw zooKeeperError("badVersion", path);
}

function statOf(node: Node): Stat {
  return {
    czxid: node.czxid,
    mzxid: node.mzxid,
    ctime: BigInt(node.ctimeMs),
    mtime: BigInt(node.mtimeMs),
    version: node.version,
    // Servers store how many children were created and reckon changes from it: each child that is gone was a second change.
    cversion: node.creates * 2 - node.children.size,
    aversion: node.aversion,
    ephemeralOwner: node.owner,
    dataLength: node.data?.length ?? 0,
    numChildren: node.children.size,
    pzxid: node.pzxid,
  };
}
