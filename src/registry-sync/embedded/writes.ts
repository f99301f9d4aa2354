import { CREATE_MODES, ERRORS, PERMS } from "../../codecs/zookeeper/constants.ts";
import type { MultiReply, MultiResult, Reply } from "../../codecs/zookeeper/replies.ts";
import type {
  CreateRequest,
  CreateTtlRequest,
  MultiOp,
  MultiRequest,
  PathVersionRequest,
  Request,
  SetAclRequest,
  SetDataRequest,
} from "../../codecs/zookeeper/requests.ts";
import { ZooKeeperError, zooKeeperError } from "../../codecs/zookeeper/status.ts";
import { checkAcl, type Identity, resolveAcl } from "./acl.ts";
import type { Change, CheckAcl, Tree, Txn } from "./tree.ts";

/** The requests that change something, of the embedded registry: what each does to the tree, and its reply. */

/** A request that changes nodes, or belongs with such requests. */
export type WriteRequest =
  | CreateRequest
  | CreateTtlRequest
  | PathVersionRequest
  | SetDataRequest
  | SetAclRequest
  | MultiRequest;

/** In whose name a write is done, and on what. */
export interface WriteContext {
  readonly tree: Tree;
  readonly session: bigint;
  readonly identities: readonly Identity[];
  readonly txn: Txn;
}

/** What came of a write: the reply, and what to tell the watchers, in order. */
export interface Written {
  readonly reply: Reply;
  readonly changes: readonly Change[];
}

const WRITES: ReadonlySet<string> = new Set([
  "create",
  "create2",
  "createContainer",
  "createTTL",
  "delete",
  "check",
  "setData",
  "setACL",
  "multi",
]);

/** Tells writes from reads. */
export function isWrite(request: Request): request is WriteRequest {
  return WRITES.has(request.op);
}

/** Does one write. Throws `ZooKeeperError`, and then has changed nothing; a multi that fails says so in its reply instead. */
export function applyWrite(request: WriteRequest, context: WriteContext): Written {
  if (request.op === "multi") return applyMulti(request.ops, context);
  if (request.op === "setACL") {
    const { path, version } = request;
    const acl = resolveAcl(path, request.acl, context.identities);
    const stat = context.tree.setAcl(path, acl, version, allow(context, path, PERMS.admin));
    return { reply: { op: "setACL", stat }, changes: [] };
  }
  return applyOne(request, context);
}

function applyOne(request: Exclude<MultiOp, { op: "exists" }>, context: WriteContext): Written {
  const { tree, txn } = context;
  switch (request.op) {
    case "create":
    case "create2":
    case "createContainer":
    case "createTTL": {
      const path = create(request, context);
      const changes: Change[] = [{ type: "created", path }];
      if (request.op === "create") return { reply: { op: "create", path }, changes };
      return { reply: { op: request.op, path, stat: tree.read(path).stat }, changes };
    }
    case "delete": {
      const { path, version } = request;
      tree.delete(path, version, txn, allow(context, path, PERMS.delete));
      return { reply: { op: "delete" }, changes: [{ type: "deleted", path }] };
    }
    case "check":
      tree.check(request.path, request.version, allow(context, request.path, PERMS.read));
      return { reply: { op: "check" }, changes: [] };
    case "setData": {
      const { path, data, version } = request;
      const stat = tree.setData(path, data, version, txn, allow(context, path, PERMS.write));
      return { reply: { op: "setData", stat }, changes: [{ type: "dataChanged", path }] };
    }
    default:
      // Reads among writes: a server can't make sense of such a multi as a whole.
      throw zooKeeperError("marshallingError", request.path);
  }
}

function create(request: CreateRequest | CreateTtlRequest, context: WriteContext): string {
  const { path, data, flags } = request;
  if (flags < CREATE_MODES.persistent || flags > CREATE_MODES.persistentSequentialTTL) {
    throw zooKeeperError("badArguments", path);
  }
  // Nodes with a time to live need extendedTypesEnabled, which a server does not have unless it is told.
  if (flags >= CREATE_MODES.persistentTTL) throw zooKeeperError("unimplemented", path);
  const isEphemeral = flags === CREATE_MODES.ephemeral || flags === CREATE_MODES.ephemeralSequential;
  const node = {
    path,
    data,
    acl: resolveAcl(path, request.acl, context.identities),
    owner: isEphemeral ? context.session : 0n,
    sequential: flags === CREATE_MODES.persistentSequential || flags === CREATE_MODES.ephemeralSequential,
    container: request.op === "createContainer",
  };
  return context.tree.create(node, context.txn, allow(context, path, PERMS.create));
}

function applyMulti(ops: readonly MultiOp[], context: WriteContext): Written {
  const results: MultiResult[] = [];
  const changes: Change[] = [];
  try {
    context.tree.atomically(() => {
      for (const op of ops) {
        const written = applyOne(op, context);
        results.push(resultOf(written.reply));
        changes.push(...written.changes);
      }
    });
  } catch (error) {
    if (!(error instanceof ZooKeeperError) || error.code === ERRORS.marshallingError) throw error;
    return { reply: failedMulti(ops.length, results.length, error.code), changes: [] };
  }
  return { reply: { op: "multi", results }, changes };
}

/** Every operation gets a code: 0 those before the culprit, its own the culprit, runtime inconsistency those after it. */
function failedMulti(count: number, culprit: number, code: number): MultiReply {
  const results = Array.from({ length: count }, (_, index): MultiResult => {
    const err = index < culprit ? 0 : index === culprit ? code : ERRORS.runtimeInconsistency;
    return { op: "error", err };
  });
  return { op: "multi", results };
}

/** The reply to one operation as it stands in a multi's: there a create2 is told as a create, other kinds as a create2 (3.8). */
function resultOf(reply: Reply): MultiResult {
  switch (reply.op) {
    case "create":
    case "create2":
      return { op: "create", path: reply.path };
    case "createContainer":
    case "createTTL":
      return { op: "create2", path: reply.path, stat: reply.stat };
    case "setData":
      return { op: "setData", stat: reply.stat };
    case "delete":
    case "check":
      return { op: reply.op };
    default:
      throw new Error(`a multi can not hold ${reply.op}`);
  }
}

function allow({ identities }: WriteContext, path: string, perms: number): CheckAcl {
  return (acl) => checkAcl(path, acl, perms, identities);
}
