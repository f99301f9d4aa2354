import { PERMS } from "../../codecs/zookeeper/constants.ts";
import type { MultiResult, Reply } from "../../codecs/zookeeper/replies.ts";
import type {
  MultiOp,
  MultiReadRequest,
  PathRequest,
  ReadRequest,
  WhoAmIRequest,
} from "../../codecs/zookeeper/requests.ts";
import { ZooKeeperError, zooKeeperError } from "../../codecs/zookeeper/status.ts";
import { checkAcl, type Identity, isAllowed, maskAcl } from "./acl.ts";
import type { Tree } from "./tree.ts";

/** The requests that only look, of the embedded registry. */

/** A request that changes no node. */
export type LookRequest = ReadRequest | PathRequest | MultiReadRequest | WhoAmIRequest;

/** In whose name a read is done, on what, and where the watches go that it asks for. */
export interface ReadContext {
  readonly tree: Tree;
  readonly session: bigint;
  readonly identities: readonly Identity[];
  watchData(path: string): void;
  watchChildren(path: string): void;
}

/** Answers one read. Throws `ZooKeeperError`. */
export function answerRead(request: LookRequest, context: ReadContext): Reply {
  const { tree, identities } = context;
  switch (request.op) {
    case "exists": {
      // The watch stands also where there is no node: it waits for its creation.
      if (request.watch) context.watchData(request.path);
      const stat = tree.stat(request.path);
      if (stat === undefined) throw zooKeeperError("noNode", request.path);
      return { op: "exists", stat };
    }
    case "getData": {
      const { data, stat } = readable(request.path, context);
      if (request.watch) context.watchData(request.path);
      return { op: "getData", data, stat };
    }
    case "getChildren":
    case "getChildren2": {
      const { children, stat } = readable(request.path, context);
      if (request.watch) context.watchChildren(request.path);
      return request.op === "getChildren" ? { op: "getChildren", children } : { op: "getChildren2", children, stat };
    }
    case "getACL": {
      const { acl, stat } = tree.read(request.path);
      checkAcl(request.path, acl, PERMS.read | PERMS.admin, identities);
      return { op: "getACL", acl: isAllowed(acl, PERMS.admin, identities) ? acl : maskAcl(acl), stat };
    }
    case "sync":
      return { op: "sync", path: request.path };
    case "getEphemerals": {
      const all = tree.ephemeralsOf(context.session);
      const { path } = request;
      return {
        op: "getEphemerals",
        paths: path === "" || path === "/" ? all : all.filter((own) => own.startsWith(path)),
      };
    }
    case "getAllChildrenNumber": {
      const count = tree.countBelow(request.path, (acl) => checkAcl(request.path, acl, PERMS.read, identities));
      return { op: "getAllChildrenNumber", count };
    }
    case "whoAmI": {
      const clients = identities.map(({ scheme, id }) => ({
        scheme,
        user: scheme === "digest" ? id.split(":")[0] : id,
      }));
      return { op: "whoAmI", clients };
    }
    case "multiRead":
      return { op: "multiRead", results: request.ops.map((op) => readInMulti(op, context)) };
    default:
      return request satisfies never;
  }
}

function readInMulti(op: MultiOp, context: ReadContext): MultiResult {
  if (op.op !== "getData" && op.op !== "getChildren") throw zooKeeperError("marshallingError", op.path);
  try {
    const { data, children, stat } = readable(op.path, context);
    return op.op === "getData" ? { op: "getData", data, stat } : { op: "getChildren", children };
  } catch (error) {
    if (!(error instanceof ZooKeeperError)) throw error;
    return { op: "error", err: error.code };
  }
}

function readable(path: string, { tree, identities }: ReadContext): ReturnType<Tree["read"]> {
  const found = tree.read(path);
  checkAcl(path, found.acl, PERMS.read, identities);
  return found;
}
