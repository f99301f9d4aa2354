import { forgetOldest } from "../../../base/bounded.ts";
import type { Clock } from "../../../base/clock.ts";
import { decodeEurekaBody, encodeEurekaBody, formatOf } from "../../../codecs/eureka/body.ts";
import type { RawInstance } from "../../../codecs/eureka/document.ts";
import { isObject } from "../../../codecs/eureka/json.ts";
import { registeredEureka } from "../../present/registered-eureka.ts";
import { anyStandIn, type RegisteringContext } from "../../present/registering.ts";
import { StandingBook } from "../standing-book.ts";
import type { InOrder } from "./in-order.ts";
import type { FacadeRequest } from "./request.ts";

/** A whole answer of a server. */
export interface WholeAnswer {
  readonly status: number;
  readonly type: string | undefined;
  readonly body: Buffer;
}

/** What {@link EurekaStandIns} needs. */
export interface StandInOptions {
  readonly registering: () => RegisteringContext;
  /** Asks the registry, under this path behind its base. Throws `TransientError` when no server answers. */
  readonly ask: (request: FacadeRequest, path: string) => Promise<WholeAnswer>;
  /** Keeps what is asked about one instance in order. */
  readonly inOrder: InOrder;
  readonly clock: Clock;
}

/** An instance that a proxy may stand for. */
interface Own {
  readonly app: string;
  /** How the client registered it, but for the body, with the credentials that it uses now. */
  request: FacadeRequest;
  readonly path: string;
  /** As the client has it. */
  instance: RawInstance;
  /** As the registry was given it. */
  written: RawInstance;
  seenMs: number;
}

/** Instances that are remembered, of those that no proxy may stand for. */
const MAX_OTHERS = 20_000;
/** How long an instance counts as there that has not renewed, ms: Eureka's own lease unless it says another. */
const LEASE_MS = 90_000;

/**
 * Registers the proxy in front of an instance in the instance's place: under its own id, so that all that is said of it later passes. An
 * instance that is not known here, from before Trestle was started, is told to register anew where a proxy may stand for it.
 */
export class EurekaStandIns {
  readonly #options: StandInOptions;
  /** By `APP/id`. */
  readonly #own = new StandingBook<Own>();
  /** Those that no proxy stands for. */
  readonly #others = new Set<string>();

  constructor(options: StandInOptions) {
    this.#options = options;
  }

  /** A registration as the registry is to get it; `taken` is to be called when that took it. */
  registration(
    request: FacadeRequest,
    { key, app, path }: { readonly key: string; readonly app: string; readonly path: string },
  ): { readonly request: FacadeRequest; readonly taken: () => void } {
    const registering = this.#options.registering();
    const instance = registering.inbound.length === 0 ? undefined : instanceIn(request);
    if (instance === undefined || registeredEureka(instance, app, anyStandIn(registering)) === instance) {
      const taken = () => {
        this.#own.delete(key);
        if (instance !== undefined) this.#noteOther(key);
      };
      return { request, taken };
    }
    const written = registeredEureka(instance, app, registering);
    const taken = () => {
      const bare = { ...request, body: Buffer.alloc(0) };
      const own = { app, request: bare, path, instance, written, seenMs: this.#options.clock.now() };
      this.#own.set(key, own, request.body.length);
      this.#others.delete(key);
    };
    return { request: written === instance ? request : withInstance(request, written), taken };
  }

  /** An instance renews: whether it is to be told to register anew. To be asked in its turn. */
  async mustRegister(request: FacadeRequest, key: string, path: string): Promise<boolean> {
    const { registering, ask, clock } = this.#options;
    const own = this.#own.get(key);
    if (own !== undefined) {
      own.seenMs = clock.now();
      own.request = { ...own.request, headers: { ...own.request.headers, ...credentialsOf(request) } };
      await this.#move(own);
      return false;
    }
    const context = registering();
    if (context.inbound.length === 0 || this.#others.has(key)) return false;
    const headers = { accept: "application/json", ...credentialsOf(request) };
    const answer = await ask({ ...request, method: "GET", headers, body: Buffer.alloc(0) }, path);
    if (answer.status !== 200) return false;
    const instance = documentInstance(answer.body, answer.type);
    const app = key.slice(0, key.indexOf("/"));
    if (instance !== undefined && registeredEureka(instance, app, anyStandIn(context)) !== instance) return true;
    this.#noteOther(key);
    return false;
  }

  /** Metadata of an instance were changed at the registry. */
  metadata(key: string, query: URLSearchParams): void {
    const own = this.#own.get(key);
    if (own === undefined) return;
    const before = isObject(own.instance["metadata"]) ? own.instance["metadata"] : {};
    own.instance = { ...own.instance, metadata: { ...before, ...Object.fromEntries(query) } };
  }

  /** An instance took itself out. */
  gone(key: string): void {
    this.#own.delete(key);
  }

  /** Another context: what is to stand otherwise now is moved; what cannot be is tried again when it renews. */
  contextChanged(): void {
    for (const [key, own] of this.#own.all()) {
      if (this.#isGone(own)) this.#own.delete(key);
      else if (this.#isElsewhere(own))
        void this.#options.inOrder
          .run(
            key,
            () => this.#own.get(key) !== own,
            () => this.#move(own),
          )
          .catch(() => {});
    }
  }

  #noteOther(key: string): void {
    this.#others.add(key);
    forgetOldest(this.#others, MAX_OTHERS);
  }

  #isGone({ instance, seenMs }: Own): boolean {
    const lease = isObject(instance["leaseInfo"]) ? Number(instance["leaseInfo"]["durationInSecs"]) * 1_000 : 0;
    return this.#options.clock.now() - seenMs > (lease > 0 ? lease : LEASE_MS);
  }

  #isElsewhere(own: Own): boolean {
    const wanted = registeredEureka(own.instance, own.app, this.#options.registering());
    return placeOf(wanted) !== placeOf(own.written);
  }

  /** Servers take an instance again that is as old as theirs, at once and with its status as it was. */
  async #move(own: Own): Promise<void> {
    if (!this.#isElsewhere(own)) return;
    const { registering, ask } = this.#options;
    const written = registeredEureka(own.instance, own.app, registering());
    const { status } = await ask(withInstance(own.request, written), own.path);
    if (status < 300) own.written = written;
  }
}

function credentialsOf({ headers }: FacadeRequest): FacadeRequest["headers"] {
  return headers.authorization === undefined ? {} : { authorization: headers.authorization };
}

/** The instance that a registration is about; undefined where it cannot be read. */
function instanceIn({ headers, body }: FacadeRequest): RawInstance | undefined {
  return documentInstance(body, headers["content-type"]);
}

function documentInstance(body: Buffer, type: string | undefined): RawInstance | undefined {
  try {
    const document = decodeEurekaBody(body, formatOf(type));
    return document.kind === "instance" ? document.instance : undefined;
  } catch {
    return undefined;
  }
}

function withInstance(request: FacadeRequest, instance: RawInstance): FacadeRequest {
  const body = encodeEurekaBody({ kind: "instance", instance }, formatOf(request.headers["content-type"]));
  return { ...request, body };
}

function placeOf(instance: RawInstance): string {
  return JSON.stringify([instance["ipAddr"], instance["hostName"], instance["port"]]);
}
