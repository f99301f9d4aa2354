import { forgetOldest } from "../../../base/bounded.ts";
import { packetBody } from "../../../codecs/zookeeper/frame.ts";
import type { Stat } from "../../../codecs/zookeeper/records.ts";
import { decodeReply } from "../../../codecs/zookeeper/replies.ts";
import type { Asker } from "../../present/asker.ts";
import type { PresentContext } from "../../present/context.ts";
import type { Directory } from "../../present/directory.ts";
import { type Passed, type Presented, present } from "../../present/present.ts";
import { trailingStat } from "./packets.ts";

/** What a directory held when a server was asked, and what is shown of it. Frozen; shared by sessions. */
export interface Listing {
  readonly directory: Directory;
  readonly names: readonly string[];
  readonly held: ReadonlySet<string>;
  /** The directory's Stat; undefined when it did not exist. */
  readonly stat: Stat | undefined;
  readonly context: PresentContext;
  readonly asker: Asker;
  readonly presented: Presented;
}

/** Most listings, one for each directory and kind of session, that are kept for the next session that asks. */
const MAX_REMEMBERED = 2_000;

/**
 * Makes listings, and the same one again for all sessions that see the same state of a directory: (creation, number of changes of
 * its children) names that state, so a thousand consumers of one interface cost one decoding and one `present`.
 */
export class Listings {
  readonly #last = new Map<string, Listing>();
  readonly #onPassed: (passed: Passed) => void;

  /** `onPassed` hears of each name that passes unchanged for a reason worth a finding, once per listing made. */
  constructor(onPassed: (passed: Passed) => void) {
    this.#onPassed = onPassed;
  }

  /** Reads a good getChildren2 reply packet. */
  read(directory: Directory, packet: Uint8Array, context: PresentContext, asker: Asker): Listing {
    const stat = trailingStat(packet);
    const last = this.#last.get(keyOf(directory, asker));
    const same =
      last?.stat !== undefined &&
      stat !== undefined &&
      last.stat.czxid === stat.czxid &&
      last.stat.cversion === stat.cversion;
    if (same && last.stat?.mzxid === stat.mzxid && isShared(asker) && last.context === context) return last;
    const names = same ? last.names : decodeNames(packet);
    return this.make(directory, names, stat, context, asker);
  }

  /** What a directory's known state shows under another context. */
  again(listing: Listing, context: PresentContext, asker: Asker): Listing {
    if (listing.context === context && isShared(asker) && sameAsker(listing.asker, asker)) return listing;
    const last = this.#last.get(keyOf(listing.directory, asker));
    if (last === undefined || last.names !== listing.names || !isShared(asker)) {
      return this.derive(listing, listing.names, context, asker);
    }
    if (last.context === context) return last;
    return this.make(listing.directory, listing.names, listing.stat, context, asker);
  }

  /** A listing of names that are known. */
  make(
    directory: Directory,
    names: readonly string[],
    stat: Stat | undefined,
    context: PresentContext,
    asker: Asker,
  ): Listing {
    const listing = this.#present(directory, names, stat, context, asker);
    if (isShared(asker) && stat !== undefined) this.#remember(listing);
    return listing;
  }

  /** A listing after events that told of other names; its Stat is the older one's, so it stands for no state of the registry. */
  derive(listing: Listing, names: readonly string[], context: PresentContext, asker: Asker): Listing {
    return this.#present(listing.directory, names, listing.stat, context, asker);
  }

  #present(
    directory: Directory,
    names: readonly string[],
    stat: Stat | undefined,
    context: PresentContext,
    asker: Asker,
  ): Listing {
    const presented = present(directory, names, context, asker);
    for (const passed of presented.passed) this.#onPassed(passed);
    return Object.freeze({ directory, names, held: new Set(names), stat, context, asker, presented });
  }

  #remember(listing: Listing): void {
    const key = keyOf(listing.directory, listing.asker);
    this.#last.delete(key);
    this.#last.set(key, listing);
    forgetOldest(this.#last, MAX_REMEMBERED);
  }
}

/** Whether what is shown to a session is shown to all of its kind. */
function isShared({ unled }: Asker): boolean {
  return unled.length === 0;
}

function sameAsker(one: Asker, other: Asker): boolean {
  return isShared(one) && isShared(other) && one.speaks === other.speaks && one.passes === other.passes;
}

function keyOf({ path }: Directory, { speaks, passes }: Asker): string {
  return `${passes === true ? "passes" : speaks.join()} ${path}`;
}

function decodeNames(packet: Uint8Array): readonly string[] {
  const { reply } = decodeReply(packetBody(packet), "getChildren2");
  return reply?.op === "getChildren2" ? reply.children : [];
}
