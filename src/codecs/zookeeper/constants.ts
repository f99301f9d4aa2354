/**
 * Numbers and names of the ZooKeeper client protocol. Reference: ZooDefs, KeeperException.Code, CreateMode and
 * Watcher.Event of Apache ZooKeeper 3.8.
 */

/** Operation codes by name, as the request header's `type` carries them. */
export const OPS = {
  notification: 0,
  create: 1,
  delete: 2,
  exists: 3,
  getData: 4,
  setData: 5,
  getACL: 6,
  setACL: 7,
  getChildren: 8,
  sync: 9,
  ping: 11,
  getChildren2: 12,
  check: 13,
  multi: 14,
  create2: 15,
  reconfig: 16,
  checkWatches: 17,
  removeWatches: 18,
  createContainer: 19,
  deleteContainer: 20,
  createTTL: 21,
  multiRead: 22,
  auth: 100,
  setWatches: 101,
  sasl: 102,
  getEphemerals: 103,
  getAllChildrenNumber: 104,
  setWatches2: 105,
  addWatch: 106,
  whoAmI: 107,
  createSession: -10,
  closeSession: -11,
  error: -1,
} as const;

/** The name of an operation. */
export type OpName = keyof typeof OPS;

const OP_NAMES: ReadonlyMap<number, OpName> = new Map(
  Object.entries(OPS).map(([name, code]) => [code, name as OpName] as const),
);

/** The operation's name; undefined for a code that ZooKeeper 3.8 does not have. */
export function opName(code: number): OpName | undefined {
  return OP_NAMES.get(code);
}

/** Error codes by name, as a reply header's `err` carries them; `ok` is 0. */
export const ERRORS = {
  ok: 0,
  systemError: -1,
  runtimeInconsistency: -2,
  dataInconsistency: -3,
  connectionLoss: -4,
  marshallingError: -5,
  unimplemented: -6,
  operationTimeout: -7,
  badArguments: -8,
  newConfigNoQuorum: -13,
  reconfigInProgress: -14,
  unknownSession: -12,
  apiError: -100,
  noNode: -101,
  noAuth: -102,
  badVersion: -103,
  noChildrenForEphemerals: -108,
  nodeExists: -110,
  notEmpty: -111,
  sessionExpired: -112,
  invalidCallback: -113,
  invalidACL: -114,
  authFailed: -115,
  closing: -116,
  nothing: -117,
  sessionMoved: -118,
  notReadOnly: -119,
  ephemeralOnLocalSession: -120,
  noWatcher: -121,
  requestTimeout: -122,
  reconfigDisabled: -123,
  sessionClosedRequireSasl: -124,
  quotaExceeded: -125,
  throttled: -127,
} as const;

/** The name of an error code. */
export type ErrorName = keyof typeof ERRORS;

const ERROR_NAMES: ReadonlyMap<number, ErrorName> = new Map(
  Object.entries(ERRORS).map(([name, code]) => [code, name as ErrorName] as const),
);

/** The error's name; undefined for a code that ZooKeeper 3.8 does not have. */
export function errorName(code: number): ErrorName | undefined {
  return ERROR_NAMES.get(code);
}

/** Reserved values of a packet's `xid`; every other packet carries a number of the client's choice. */
export const XIDS = { notification: -1, ping: -2, auth: -4, setWatches: -8 } as const;

/** `flags` of the create requests. */
export const CREATE_MODES = {
  persistent: 0,
  ephemeral: 1,
  persistentSequential: 2,
  ephemeralSequential: 3,
  container: 4,
  persistentTTL: 5,
  persistentSequentialTTL: 6,
} as const;

/** Permission bits of an ACL. */
export const PERMS = { read: 1, write: 2, create: 4, delete: 8, admin: 16, all: 31 } as const;

/** `type` of a watch event. */
export const EVENT_TYPES = {
  none: -1,
  created: 1,
  deleted: 2,
  dataChanged: 3,
  childrenChanged: 4,
  dataWatchRemoved: 5,
  childWatchRemoved: 6,
  persistentWatchRemoved: 7,
} as const;

/** `state` of a watch event. */
export const EVENT_STATES = {
  disconnected: 0,
  connected: 3,
  authFailed: 4,
  connectedReadOnly: 5,
  saslAuthenticated: 6,
  expired: -112,
  closed: 7,
} as const;

/** `mode` of addWatch. */
export const WATCH_MODES = { persistent: 0, persistentRecursive: 1 } as const;

/** `type` of checkWatches and removeWatches. */
export const WATCHER_TYPES = { children: 1, data: 2, any: 3, persistent: 4, persistentRecursive: 5 } as const;

/** jute.maxbuffer of a server that was not told otherwise: what it reads in one packet, in bytes. */
export const DEFAULT_MAX_REQUEST_BYTES = 0xfffff;

/** What a server adds to jute.maxbuffer for a packet that it lets through, in bytes (jute.maxbuffer.extrasize). */
export const DEFAULT_EXTRA_BYTES = 1024;
