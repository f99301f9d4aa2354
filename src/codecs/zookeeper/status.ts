import { ERRORS, type ErrorName, errorName } from "./constants.ts";

/** A server's answer to one operation that is not ok: `code` is the number on the wire, `reason` its name. */
export class ZooKeeperError extends Error {
  readonly code: number;
  readonly reason: ErrorName | "unknown";
  /** The path that the operation was about; empty where there is none. */
  readonly path: string;

  constructor(code: number, path = "") {
    const reason = errorName(code) ?? "unknown";
    super(`zookeeper answered ${words(reason)} (${code})${path === "" ? "" : ` for ${path}`}`);
    this.name = "ZooKeeperError";
    this.code = code;
    this.reason = reason;
    this.path = path;
  }
}

/** Makes the error that a name stands for. */
export function zooKeeperError(name: ErrorName, path = ""): ZooKeeperError {
  return new ZooKeeperError(ERRORS[name], path);
}

/** Whether `error` is a server's answer of that name. */
export function isZooKeeperError(error: unknown, name: ErrorName): error is ZooKeeperError {
  return error instanceof ZooKeeperError && error.reason === name;
}

function words(name: string): string {
  return name.replace(/[A-Z]+/g, (part) => ` ${part.toLowerCase()}`);
}
