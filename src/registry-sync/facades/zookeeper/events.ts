import { EVENT_TYPES } from "../../../codecs/zookeeper/constants.ts";
import { packetBody } from "../../../codecs/zookeeper/frame.ts";
import type { WatcherEvent } from "../../../codecs/zookeeper/records.ts";
import { decodeEvent } from "../../../codecs/zookeeper/replies.ts";
import { childAt, type DirectoryChild, directoryAt } from "../../present/directory.ts";
import { isHidden } from "../../present/present.ts";
import type { SessionCore } from "./core.ts";
import type { Listing } from "./listings.ts";
import { eventPacket } from "./packets.ts";
import { needsOneShot, watchShadows } from "./reads.ts";
import { type Moment, settle, type Tracked } from "./tracked.ts";

/** Takes a watch event of the server and gives the client what of it concerns what it is shown. */
export function onEvent(core: SessionCore, packet: Uint8Array): void {
  const { event } = decodeEvent(packetBody(packet));
  const { path } = event;
  // The watch is used up.
  core.mappings.delete(path);
  const tracked = core.tracked.get(path);
  if (tracked !== undefined && directoryAt(path, core.context) !== undefined) {
    if (event.type === EVENT_TYPES.childrenChanged) childrenChanged(core, tracked);
    else directoryEvent(core, tracked, event, packet);
    return;
  }
  const child = childAt(path, core.context);
  if (child === undefined) core.outbox.add(packet);
  else childEvent(core, child, event, packet);
}

/** The children of a watched directory changed: whether what is shown did, too, must be asked; the event keeps its place. */
function childrenChanged(core: SessionCore, tracked: Tracked): void {
  tracked.upstreamArmed = false;
  if (!tracked.needsChildren) {
    core.shared.counters.suppressed++;
    return;
  }
  ask(core, tracked, tracked.armed || needsOneShot(core, tracked.directory));
}

/** Reads the directory again, sets the server's watch anew where told, and fills the event's place with what is true. */
function ask(core: SessionCore, tracked: Tracked, watch: boolean): void {
  const slot = core.outbox.reserve();
  const moment = tracked.opened(core.context);
  const { directory } = tracked;
  core.list(directory, watch, (found) => {
    // Judged by what held when the event came: what a newer context changes is told behind all that waits.
    const listing = found && core.shared.listings.again(found, core.contextOf(tracked), core.askerIn(directory));
    const before = listing === undefined ? moment : beforeEarly(core, tracked, moment, listing);
    const recursive = core.coveredRecursively(directory.path);
    const events =
      listing === undefined ? blind(tracked, moment) : settle(tracked, before, listing, "registry", recursive);
    if (events.length === 0) core.shared.counters.suppressed++;
    core.outbox.fill(slot, events);
    if (tracked.judged(moment, listing?.presented)) tellContext(core, tracked);
  });
}

/** The server does not let the session read the directory (any more): it is told of the change as it would be without us. */
function blind(tracked: Tracked, moment: Moment): Uint8Array[] {
  if (!moment.armed && !tracked.persistent) return [];
  if (tracked.armCount === moment.armCount) tracked.armed = false;
  return [eventPacket("childrenChanged", tracked.directory.path)];
}

/** Where nothing was known before the first events, what was shown then follows from the state now and those events. */
function beforeEarly(core: SessionCore, tracked: Tracked, moment: Moment, listing: Listing): Moment {
  if (moment.presented !== undefined || tracked.early.size === 0) return moment;
  const names = new Set(listing.names);
  for (const [name, what] of tracked.early) {
    if (what === "created") names.delete(name);
    else names.add(name);
  }
  tracked.early.clear();
  const { directory } = tracked;
  const asker = core.askerIn(directory);
  const { presented } = core.shared.listings.make(directory, [...names], undefined, core.contextOf(tracked), asker);
  return { ...moment, presented };
}

/** Something happened to a watched directory itself. */
function directoryEvent(core: SessionCore, tracked: Tracked, event: WatcherEvent, packet: Uint8Array): void {
  const { path } = tracked.directory;
  const wanted = tracked.dataWatch || tracked.persistent || core.coveredRecursively(path);
  tracked.dataWatch = false;
  if (event.type !== EVENT_TYPES.deleted) {
    core.outbox.add(packet);
    return;
  }
  const heard = wanted || tracked.armed;
  tracked.armed = false;
  tracked.upstreamArmed = false;
  if (heard) core.outbox.add(packet);
  else core.shared.counters.suppressed++;
}

/** Something happened to a node right below a presented directory. */
function childEvent(core: SessionCore, child: DirectoryChild, event: WatcherEvent, packet: Uint8Array): void {
  const { directory, name } = child;
  const tracked = core.trackedAt(directory.path);
  const watch = tracked?.nodes.get(name);
  const recursive = core.coveredRecursively(event.path);
  const changesList = event.type === EVENT_TYPES.created || event.type === EVENT_TYPES.deleted;
  const hidden = isHidden(directory, name, core.contextOf(tracked), core.askerIn(directory));
  if (tracked !== undefined && recursive && changesList) {
    if (tracked.listing === undefined) {
      tracked.early.set(name, event.type === EVENT_TYPES.created ? "created" : "deleted");
    }
    // A recursive watch hears of no "children changed": the names that stand for this node come and go with it.
    // Of a directory that is not known yet, what is shown under another context could not be told later.
    if (hidden || tracked.listing === undefined) ask(core, tracked, false);
    else noteVisible(core, tracked, name, event.type === EVENT_TYPES.created);
  }
  const passes =
    watch === undefined
      ? !hidden || core.owns(event.path)
      : watch.kind === "own" ||
        watch.kind === "real" ||
        (watch.kind === "absent" && !hidden && !isShownVirtual(tracked, name)) ||
        core.owns(event.path);
  if (!passes) {
    core.shared.counters.suppressed++;
    // The server's watch is used up, the client's is not: from now on the directory tells.
    if (watch !== undefined) watchShadows(core, directory);
    return;
  }
  if (watch !== undefined && !watch.persistent) tracked?.nodes.delete(name);
  core.outbox.add(packet);
}

/** A node that is shown as it is came or went, and the client is told by the server's own event: what is known follows. */
function noteVisible(core: SessionCore, tracked: Tracked, name: string, came: boolean): void {
  const { listing, directory } = tracked;
  if (listing === undefined || listing.held.has(name) === came) return;
  const names = came ? [...listing.names, name] : listing.names.filter((one) => one !== name);
  tracked.listing = core.shared.listings.derive(listing, names, core.contextOf(tracked), core.askerIn(directory));
  // A watch on the list is told by an event of its own, which is judged by what was shown before this one.
  if (tracked.presented !== undefined && !tracked.armed && !tracked.persistent) {
    tracked.presented = tracked.listing.presented;
  }
}

function isShownVirtual(tracked: Tracked | undefined, name: string): boolean {
  return tracked?.presented?.virtual.has(name) === true;
}

/** What is shown, of one interface or of all, may have changed although the registry did not: tells the client of all that did. */
export function onContextChange(core: SessionCore, interfaceName?: string): void {
  for (const tracked of [...core.tracked.values()]) {
    const isMeant = interfaceName === undefined || tracked.directory.name === interfaceName;
    if (isMeant && !tracked.holdsContext()) tellContext(core, tracked);
  }
}

function tellContext(core: SessionCore, tracked: Tracked): void {
  const { listing, directory } = tracked;
  if (listing === undefined) {
    if (tracked.nodes.size > 0) watchShadows(core, directory);
    return;
  }
  const again = core.shared.listings.again(listing, core.context, core.askerIn(directory));
  const recursive = core.coveredRecursively(directory.path);
  const events = settle(tracked, tracked.moment(), again, "context", recursive);
  core.shared.counters.artificial += events.length;
  for (const event of events) core.outbox.add(event);
  if (tracked.watchesShadows && !tracked.upstreamArmed) {
    core.list(directory, needsOneShot(core, directory), () => {});
  }
}
