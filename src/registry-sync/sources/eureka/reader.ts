import type { Clock } from "../../../base/clock.ts";
import { ProtocolError, TransientError } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import { decodeEurekaBody, formatOf } from "../../../codecs/eureka/body.ts";
import type { ApplicationsDocument, EurekaFormat } from "../../../codecs/eureka/document.ts";
import type { EurekaInstance } from "../../../codecs/eureka/instance.ts";
import { EurekaMirror, type InstanceChange } from "../../../codecs/eureka/mirror.ts";
import type { EurekaLink, EurekaServer } from "./link.ts";

/** What an {@link EurekaReader} reads. */
export interface EurekaReaderOptions {
  /** All of one cluster; not empty. The first that answers is kept to. */
  readonly servers: readonly EurekaServer[];
  /** Where the REST interface is: `/eureka`. */
  readonly path: string;
  readonly format: EurekaFormat;
  readonly auth?: { readonly username: string; readonly password: string };
  readonly link: EurekaLink;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * For so long after a server was lost, another one was taken, or one answered with nothing, its answers may be old or not whole yet, ms:
 * applications notice within a renewal (30 s) that a server forgot them, and a server knows by then what others know.
 */
export const RECOVERY_MS = 60_000;

/** After a longer pause than this a delta may not reach back to what was read last, ms: servers keep 3 minutes, and answers up to 30 s. */
export const DELTA_REACH_MS = 120_000;

/** Reads a Eureka cluster round by round: all at first, then what changed. */
export class EurekaReader {
  readonly #options: EurekaReaderOptions;
  readonly #mirror = new EurekaMirror();
  #server = 0;
  /** The server that gave the last full list; -1 where the next answer must be one. */
  #fullFrom = -1;
  #hasDeltas = true;
  #answeredMs = 0;
  #recoversUntilMs = 0;
  /** What was read in rounds that failed later. */
  #pending: readonly InstanceChange[] = [];

  constructor(options: EurekaReaderOptions) {
    this.#options = options;
  }

  /** Whether the last answers may still miss what the registry holds. */
  get isRecovering(): boolean {
    return this.#options.clock.now() < this.#recoversUntilMs;
  }

  /** How many instances were read. */
  get size(): number {
    return this.#mirror.size;
  }

  /**
   * Asks once, each server at most one time, and gives what changed. Throws `TransientError` when none of them gives an answer that
   * can be read; what was read before still holds then.
   */
  async round(): Promise<readonly InstanceChange[]> {
    const { servers, log } = this.#options;
    const reasons: string[] = [];
    for (let tries = 0; tries < servers.length; tries++) {
      try {
        await this.#ask(servers[this.#server]!);
        this.#answeredMs = this.#options.clock.now();
        const changes = this.#pending;
        this.#pending = [];
        return changes;
      } catch (error) {
        if (!(error instanceof TransientError) && !(error instanceof ProtocolError)) throw error;
        reasons.push(error.message);
        log.debug("eureka: a server gave no answer", { reason: error.message });
        this.#disturb();
        this.#fullFrom = -1;
        this.#hasDeltas = true;
        this.#server = (this.#server + 1) % servers.length;
      }
    }
    throw new TransientError(reasons.join("; "));
  }

  async #ask(server: EurekaServer): Promise<void> {
    const isLate = this.#options.clock.now() - this.#answeredMs > DELTA_REACH_MS;
    if (this.#fullFrom !== this.#server || !this.#hasDeltas || this.isRecovering || isLate) return this.#full(server);
    const delta = await this.#get(server, "/apps/delta");
    if (delta === undefined) {
      // Servers can be told to give none; they answer 403 then.
      this.#hasDeltas = false;
      return this.#full(server);
    }
    const { changes, unreadable } = this.#mirror.apply(delta);
    this.#pending = [...this.#pending, ...changes];
    if (unreadable > 0 || delta.hashcode !== this.#mirror.hashcode()) await this.#full(server);
  }

  async #full(server: EurekaServer): Promise<void> {
    const full = await this.#get(server, "/apps");
    if (full === undefined)
      throw new TransientError(`eureka server ${server.host}:${server.port} lets no list be read`);
    if (this.#mirror.size > 0 && full.applications.length === 0) this.#disturb();
    const { changes, unreadable } = this.#mirror.replace(full, this.isRecovering ? isOlder : undefined);
    if (unreadable > 0) this.#options.log.debug("eureka: instances without a host are left out", { unreadable });
    this.#fullFrom = this.#server;
    this.#pending = [...this.#pending, ...changes];
  }

  /** Undefined where the server says that there is no such list or that it may not be read. */
  async #get(server: EurekaServer, path: string): Promise<ApplicationsDocument | undefined> {
    const { link, path: base, format, auth } = this.#options;
    const { status, headers, body } = await link.get(server, `${base}${path}`, {
      accept: `application/${format}`,
      ...(auth !== undefined && {
        authorization: `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString("base64")}`,
      }),
    });
    if (status === 403 || (status === 404 && path !== "/apps")) return undefined;
    const where = `eureka server ${server.host}:${server.port}`;
    if (status === 401) throw new TransientError(`${where} refuses username and password (401)`);
    if (status !== 200) throw new TransientError(`${where} answered ${status} to ${base}${path}`);
    const document = decodeEurekaBody(body, formatOf(headers["content-type"]));
    if (document.kind === "applications") return document;
    throw new ProtocolError("eureka", `${where} answered ${base}${path} with one ${document.kind}`);
  }

  #disturb(): void {
    if (this.#fullFrom < 0 && this.#mirror.size === 0) return;
    this.#recoversUntilMs = this.#options.clock.now() + RECOVERY_MS;
  }
}

/** Whether an instance was read newer before: a server that was cut off from the others may know less than is known here. */
function isOlder(held: EurekaInstance, given: EurekaInstance): boolean {
  if (given.lastDirtyMs !== held.lastDirtyMs) return given.lastDirtyMs < held.lastDirtyMs;
  return given.lastUpdatedMs < held.lastUpdatedMs;
}
