import { EVENT_TYPES } from "../../../codecs/zookeeper/constants.ts";
import type { WatcherEvent } from "../../../codecs/zookeeper/records.ts";
import type { Request, SetWatchesRequest } from "../../../codecs/zookeeper/requests.ts";

/** How large one request that sets watches again may be, bytes: one over the server's limit would end in reconnects for ever. */
export const SET_WATCHES_BYTES = 128 << 10;

const HEADER_BYTES = 64;
const KINDS = ["data", "exist", "child", "persistent", "recursive"] as const;
type Kind = (typeof KINDS)[number];

/** The watches a client has on its server, so that it can set them again on the next one. Paths are those on the wire. */
export class ArmedWatches {
  readonly #paths: Readonly<Record<Kind, Set<string>>> = {
    data: new Set(),
    exist: new Set(),
    child: new Set(),
    persistent: new Set(),
    recursive: new Set(),
  };

  /** How many there are. */
  get count(): number {
    return KINDS.reduce((sum, kind) => sum + this.#paths[kind].size, 0);
  }

  /** Notes what a good answer to `request` (`found` false: to an exists of a missing node) has set or removed. */
  answered(request: Request, found = true): void {
    switch (request.op) {
      case "exists":
        if (request.watch) this.#paths[found ? "data" : "exist"].add(request.path);
        return;
      case "getData":
        if (request.watch) this.#paths.data.add(request.path);
        return;
      case "getChildren":
      case "getChildren2":
        if (request.watch) this.#paths.child.add(request.path);
        return;
      case "addWatch":
        this.#paths[request.mode === 1 ? "recursive" : "persistent"].add(request.path);
        return;
      case "removeWatches":
        for (const kind of KINDS) {
          if (request.type === 1 && kind !== "child") continue;
          if (request.type === 2 && kind !== "data" && kind !== "exist") continue;
          this.#paths[kind].delete(request.path);
        }
        return;
      default:
    }
  }

  /** Notes that one-shot watches are used up. */
  fired({ type, path }: WatcherEvent): void {
    if (type === EVENT_TYPES.childrenChanged) {
      this.#paths.child.delete(path);
      return;
    }
    this.#paths.data.delete(path);
    this.#paths.exist.delete(path);
    if (type === EVENT_TYPES.deleted) this.#paths.child.delete(path);
  }

  /** The requests that set everything again, each under `maxBytes`; `relativeZxid` is the last change the client has seen. */
  *requests(relativeZxid: bigint, maxBytes = SET_WATCHES_BYTES): Iterable<SetWatchesRequest> {
    const op = this.#paths.persistent.size + this.#paths.recursive.size > 0 ? "setWatches2" : "setWatches";
    const empty = () => ({ data: [], exist: [], child: [], persistent: [], recursive: [] }) as Record<Kind, string[]>;
    let piece = empty();
    let bytes = HEADER_BYTES;
    for (const kind of KINDS) {
      for (const path of this.#paths[kind]) {
        const size = 4 + Buffer.byteLength(path);
        if (bytes + size > maxBytes && bytes > HEADER_BYTES) {
          yield { op, relativeZxid, ...piece };
          piece = empty();
          bytes = HEADER_BYTES;
        }
        piece[kind].push(path);
        bytes += size;
      }
    }
    if (bytes > HEADER_BYTES) yield { op, relativeZxid, ...piece };
  }
}
