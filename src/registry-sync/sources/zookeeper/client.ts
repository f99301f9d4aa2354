import { CREATE_MODES, WATCH_MODES, WATCHER_TYPES } from "../../../codecs/zookeeper/constants.ts";
import { type Acl, OPEN_ACL, type Stat, type WatcherEvent } from "../../../codecs/zookeeper/records.ts";
import type { MultiResult, Reply } from "../../../codecs/zookeeper/replies.ts";
import type { MultiOp, Request } from "../../../codecs/zookeeper/requests.ts";
import { isZooKeeperError } from "../../../codecs/zookeeper/status.ts";
import { type SessionOptions, type StateListener, ZooKeeperSession } from "./session.ts";

/** Options of {@link ZooKeeperClient.create}. */
export interface CreateOptions {
  readonly mode?: keyof typeof CREATE_MODES;
  /** Open to everybody unless given. */
  readonly acl?: readonly Acl[];
}

/** Opens a client; it connects by itself, and goes on trying until it is closed. */
export function createZooKeeperClient(options: SessionOptions): ZooKeeperClient {
  return new ZooKeeperClient(new ZooKeeperSession(options));
}

/**
 * The operations of a ZooKeeper as promises. All reject with `ZooKeeperError` for a server's answer that is not ok, and with
 * `TransientError` when no server could be asked or the connection was lost before the answer (then a write may have been done).
 * A `watch` is one-shot; its event goes to the listeners of `onEvent`. `version` -1 means any.
 */
export class ZooKeeperClient {
  readonly session: ZooKeeperSession;

  constructor(session: ZooKeeperSession) {
    this.session = session;
  }

  /** Resolves when the client is connected; rejects when it is closed, or `timeoutMs` is over. */
  connected(timeoutMs?: number): Promise<void> {
    return this.session.connected(timeoutMs);
  }

  /** Calls `listener` on each change of state; returns how to stop that. */
  onState(listener: StateListener): () => void {
    return this.session.onState(listener);
  }

  /** Calls `listener` with each watch event; returns how to stop that. */
  onEvent(listener: (event: WatcherEvent) => void): () => void {
    return this.session.onEvent(listener);
  }

  /** Sends any request; resolves with its reply. */
  request<O extends Request["op"]>(request: Request & { readonly op: O }): Promise<Reply & { readonly op: O }> {
    return new Promise((resolve, reject) => {
      this.session.submit(request, ({ reply, error }) => {
        if (error === undefined) resolve(reply as Reply & { readonly op: O });
        else reject(error);
      });
    });
  }

  /** Names of a node's children, in no order, and its Stat. */
  async getChildren(path: string, watch = false): Promise<{ children: readonly string[]; stat: Stat }> {
    return await this.request({ op: "getChildren2", path, watch });
  }

  /** A node's data, null if it never had any, and its Stat. */
  async getData(path: string, watch = false): Promise<{ data: Uint8Array | null; stat: Stat }> {
    return await this.request({ op: "getData", path, watch });
  }

  /** A node's Stat; undefined when there is none, and then a watch waits for its creation. */
  async exists(path: string, watch = false): Promise<Stat | undefined> {
    try {
      return (await this.request({ op: "exists", path, watch })).stat;
    } catch (error) {
      if (isZooKeeperError(error, "noNode")) return undefined;
      throw error;
    }
  }

  /** Makes a node; resolves with its path, which a sequential one gets from the server. */
  async create(path: string, data: Uint8Array | null = null, options: CreateOptions = {}): Promise<string> {
    const flags = CREATE_MODES[options.mode ?? "persistent"];
    const acl = options.acl ?? OPEN_ACL;
    if (flags === CREATE_MODES.container) {
      return (await this.request({ op: "createContainer", path, data, acl, flags })).path;
    }
    return (await this.request({ op: "create", path, data, acl, flags })).path;
  }

  async delete(path: string, version = -1): Promise<void> {
    await this.request({ op: "delete", path, version });
  }

  async setData(path: string, data: Uint8Array | null, version = -1): Promise<Stat> {
    return (await this.request({ op: "setData", path, data, version })).stat;
  }

  async getAcl(path: string): Promise<{ acl: readonly Acl[]; stat: Stat }> {
    return await this.request({ op: "getACL", path });
  }

  async setAcl(path: string, acl: readonly Acl[], version = -1): Promise<Stat> {
    return (await this.request({ op: "setACL", path, acl, version })).stat;
  }

  /** All or none of the operations; when one fails, every result is an `error` with a code. */
  async multi(ops: readonly MultiOp[]): Promise<readonly MultiResult[]> {
    return (await this.request({ op: "multi", ops })).results;
  }

  /** Resolves when the server that this client talks to has all changes that were there when it was asked. */
  async sync(path: string): Promise<void> {
    await this.request({ op: "sync", path });
  }

  /** A watch that stays, on one node or on it and everything below. Servers before 3.6 answer unimplemented and close. */
  async addWatch(path: string, mode: keyof typeof WATCH_MODES): Promise<void> {
    await this.request({ op: "addWatch", path, mode: WATCH_MODES[mode] });
  }

  async removeWatches(path: string, type: "children" | "data" | "any" = "any"): Promise<void> {
    await this.request({ op: "removeWatches", path, type: WATCHER_TYPES[type] });
  }

  /** Ends the session, its ephemeral nodes, and the client. */
  close(): Promise<void> {
    return this.session.close();
  }
}
