import type { Reply } from "../../../codecs/zookeeper/replies.ts";
import type { MultiOp, Request } from "../../../codecs/zookeeper/requests.ts";

/** A chroot lives in the client: what it asks for is longer on the wire, and what it is told shorter. */

/** The request as it goes on the wire. */
export function withChroot(request: Request, chroot: string): Request {
  if (chroot === "") return request;
  if (request.op === "multi" || request.op === "multiRead") {
    return { ...request, ops: request.ops.map((op): MultiOp => ({ ...op, path: full(op.path, chroot) })) };
  }
  return "path" in request ? { ...request, path: full(request.path, chroot) } : request;
}

/** A path from the wire as the caller knows it. */
export function withoutChroot(path: string, chroot: string): string {
  if (chroot === "" || !path.startsWith(chroot)) return path;
  return path.length === chroot.length ? "/" : path.slice(chroot.length);
}

/** A reply from the wire as the caller is shown it. */
export function shownReply(reply: Reply, chroot: string): Reply {
  switch (reply.op) {
    case "create":
    case "create2":
    case "createContainer":
    case "createTTL":
    case "sync":
      return { ...reply, path: withoutChroot(reply.path, chroot) };
    case "getEphemerals":
      return { ...reply, paths: reply.paths.map((path) => withoutChroot(path, chroot)) };
    case "multi":
    case "multiRead":
      return {
        ...reply,
        results: reply.results.map((result) =>
          "path" in result ? { ...result, path: withoutChroot(result.path, chroot) } : result,
        ),
      };
    default:
      return reply;
  }
}

function full(path: string, chroot: string): string {
  return path === "/" ? chroot : chroot + path;
}
