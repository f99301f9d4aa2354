import { packetBody } from "../../../codecs/zookeeper/frame.ts";
import { decodeReply } from "../../../codecs/zookeeper/replies.ts";
import type { Directory } from "../../present/directory.ts";
import type { SessionCore } from "./core.ts";
import { replyPacket } from "./packets.ts";

/** getAllChildrenNumber of a presented directory: what is shown, and whatever stands below shown nodes. */
export function countBelow(core: SessionCore, directory: Directory, packet: Uint8Array, xid: number): void {
  let difference = 0;
  core.list(directory, false, (listing) => {
    difference = listing === undefined ? 0 : listing.presented.shown.size - listing.names.length;
  });
  core.forward(packet, xid, (answer, header) => {
    const { reply } = decodeReply(packetBody(answer), "getAllChildrenNumber");
    if (reply?.op !== "getAllChildrenNumber" || difference === 0) {
      core.outbox.add(answer);
      return;
    }
    core.shared.counters.rewritten++;
    core.outbox.add(replyPacket(header, { ...reply, count: Math.max(0, reply.count + difference) }));
  });
}
