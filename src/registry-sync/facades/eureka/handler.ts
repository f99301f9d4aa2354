import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Clock } from "../../../base/clock.ts";
import { decodeEurekaBody, encodeEurekaBody, formatOf } from "../../../codecs/eureka/body.ts";
import type { EurekaDocument, RawApplication } from "../../../codecs/eureka/document.ts";
import { readEurekaInstance } from "../../../codecs/eureka/instance.ts";
import type { PresentContext } from "../../present/context.ts";
import { presentEureka, realList, type ShownList, withOwn } from "../../present/eureka.ts";
import { ledInstanceId } from "../../present/eureka-instance.ts";
import { addressesOf, compactDocument, deltaDocument, fullDocument, partDocument, resyncDocument } from "./answers.ts";
import { EurekaClients, type ListKind } from "./clients.ts";
import type { EurekaCounters } from "./counters.ts";
import { ShownHistory } from "./history.ts";
import { InOrder } from "./in-order.ts";
import type { RegistryLists } from "./lists.ts";
import { type EurekaTarget, type FacadeRequest, readTarget, readWanted, type Wanted } from "./request.ts";
import { EurekaStandIns, type WholeAnswer } from "./stand-ins.ts";
import { WrittenLists } from "./written.ts";

/** What a client is answered: something made here, or the registry's own answer as it comes. */
export type FacadeAnswer =
  | { readonly kind: "made"; readonly status: number; readonly headers: OutgoingHttpHeaders; readonly body: Buffer }
  | { readonly kind: "passed"; readonly answer: IncomingMessage };

/** What an {@link EurekaHandler} works with. */
export interface HandlerOptions {
  readonly context: PresentContext;
  readonly lists: RegistryLists;
  /** Passes a client's request on, under this path. Throws `TransientError` when no server answers. */
  readonly pass: (request: FacadeRequest, path: string) => Promise<IncomingMessage>;
  /** The same, its answer read whole. */
  readonly ask: (request: FacadeRequest, path: string) => Promise<WholeAnswer>;
  /** Where the real servers' REST interface is: `/eureka`. */
  readonly basePath: string;
  readonly counters: EurekaCounters;
  readonly clock: Clock;
  /** Hears of provider instances (`address:port`) that a client took out. */
  readonly onRemoval?: (instances: readonly string[]) => void;
}

/** Instances of one address that are told of in each of its deltas. */
const MAX_TOLD = 8;
/** What Eureka's clients wait for an answer, ms: a request that waited as long for an earlier one is given up. */
const PATIENCE_MS = 8_000;
const LED_PREFIX = ledInstanceId("");
const compress = promisify(gzip);

/** Answers one facade's requests: lists are made of the registry's and of what is led, all else is passed on. */
export class EurekaHandler {
  #context: PresentContext;
  readonly #options: HandlerOptions;
  readonly #clients = new EurekaClients();
  readonly #history = new ShownHistory();
  readonly #inOrder = new InOrder();
  #shown: { from: readonly RawApplication[]; by: PresentContext; list: ShownList } | undefined;
  readonly #written = new WrittenLists();
  readonly #standIns: EurekaStandIns;

  constructor(options: HandlerOptions) {
    const { basePath, ask, clock } = options;
    this.#options = options;
    this.#context = options.context;
    this.#standIns = new EurekaStandIns({
      registering: () => this.#context.registering,
      ask: (request, path) => ask(request, `${basePath}${path}`),
      ...{ inOrder: this.#inOrder, clock },
    });
  }

  /** What clients are shown, and where providers are registered. */
  get context(): PresentContext {
    return this.#context;
  }

  set context(context: PresentContext) {
    this.#context = context;
    this.#standIns.contextChanged();
  }

  /** Throws `TransientError` when no server answers, `ProtocolError` when what it answers cannot be read. */
  async handle(request: FacadeRequest): Promise<FacadeAnswer> {
    const target = readTarget(request.url);
    if (target === undefined) return made(404, "text/plain", "a facade of eureka answers under /eureka");
    const wanted = readWanted(request.headers);
    if (request.method !== "GET" || target.question.kind === "other" || wanted === undefined)
      return this.#passOn(request, target);
    const { question } = target;
    // A real instance that is asked for by its id is what it is: that is how an application reads itself.
    const isOfInstance = question.kind === "instance" || question.kind === "instanceOf";
    if (isOfInstance && !question.id.startsWith(LED_PREFIX)) return this.#passOn(request, target);
    const now = this.#options.clock.now();
    const own = this.#clients.ownOf(request.address, now);
    return this.#passes(request.address, own)
      ? this.#answerReal(request, target, wanted)
      : this.#answerLed(request, target, wanted, own);
  }

  #passes(address: string, own: readonly string[]): boolean {
    const { context } = this;
    if (context.passesClient({ address })) return true;
    const names = [...new Set(own.map((key) => key.slice(0, key.indexOf("/"))))];
    const isNamed = (application: string) => context.passesClient({ address, application });
    return names.length > 0 && names.every((name) => isNamed(name) || isNamed(name.toLowerCase()));
  }

  async #answerReal(request: FacadeRequest, target: EurekaTarget, wanted: Wanted): Promise<FacadeAnswer> {
    const { kind } = target.question;
    const now = this.#options.clock.now();
    if (kind === "apps") this.#clients.full(clientOf(request), "real", now);
    if (kind !== "delta" || !this.#mustResync(request, "real")) return this.#passOn(request, target);
    const found = await this.#options.lists.get(request.headers.authorization, target.regions);
    if (!found.isList) return { ...found, kind: "made" };
    return this.#write(resyncDocument(realList(found.applications), this.#history.version), wanted);
  }

  async #answerLed(
    request: FacadeRequest,
    target: EurekaTarget,
    wanted: Wanted,
    own: readonly string[],
  ): Promise<FacadeAnswer> {
    const { clock, lists } = this.#options;
    const found = await lists.get(request.headers.authorization, target.regions);
    if (!found.isList) return { ...found, kind: "made" };
    const base = this.#present(found.applications);
    const now = clock.now();
    if (target.regions === "") this.#history.take(base, now);
    // Where an address has several instances, nobody can say which of them asks: a host of many, or a network behind one address.
    const isOwn = own.length === 1 && base.hidden.has(own[0]!);
    const list = isOwn ? withOwn(base, own) : base;
    const told = own.length <= MAX_TOLD ? own : [];
    const { version } = this.#history;
    switch (target.question.kind) {
      case "apps":
        this.#clients.full(clientOf(request), "led", now);
        if (!isOwn) return this.#writeOnce(list, version, wanted);
        return this.#write(fullDocument(list, version), wanted);
      case "delta":
        if (target.regions !== "" || this.#mustResync(request, "led"))
          return this.#write(resyncDocument(list, version), wanted);
        return this.#write(deltaDocument(this.#history.changes(now), list, told, version), wanted);
      default: {
        const part = partDocument(target.question, list);
        return part === undefined ? this.#passOn(request, target) : this.#write(part, wanted);
      }
    }
  }

  #mustResync(request: FacadeRequest, kind: ListKind): boolean {
    const lostMs = kind === "led" ? this.#history.lostMs : Number.NEGATIVE_INFINITY;
    const must = this.#clients.delta(clientOf(request), kind, lostMs, this.#options.clock.now());
    if (must) this.#options.counters.resyncs++;
    return must;
  }

  #present(applications: readonly RawApplication[]): ShownList {
    const known = this.#shown;
    if (known?.from === applications && known.by === this.context) return known.list;
    const list = presentEureka(applications, this.context);
    this.#shown = { from: applications, by: this.context, list };
    return list;
  }

  async #writeOnce(list: ShownList, version: number, wanted: Wanted): Promise<FacadeAnswer> {
    const write = () => encode(fullDocument(list, version), wanted);
    return this.#madeOf(await this.#written.get(list, version, JSON.stringify(wanted), write), wanted);
  }

  async #write(document: EurekaDocument, wanted: Wanted): Promise<FacadeAnswer> {
    return this.#madeOf(await encode(document, wanted), wanted);
  }

  #madeOf(body: Buffer, { format, gzip: isZipped }: Wanted): FacadeAnswer {
    this.#options.counters.rewritten++;
    const headers = {
      "content-type": `application/${format}`,
      ...(isZipped && { "content-encoding": "gzip" }),
    };
    return { kind: "made", status: 200, headers, body };
  }

  async #passOn(request: FacadeRequest, target: EurekaTarget): Promise<FacadeAnswer> {
    const { method } = request;
    const [app, named, what] = target.names;
    const isRegistration = method === "POST" && app !== undefined && named === undefined;
    const id = isRegistration ? registeredId(request) : named;
    if (method === "GET" || app === undefined || id === undefined)
      return { kind: "passed", answer: await this.#pass(request, target) };
    const { clock, onRemoval } = this.#options;
    const key = `${app}/${id}`;
    const cameMs = clock.now();
    const isLate = () => clock.now() - cameMs >= PATIENCE_MS;
    const isRenewal = method === "PUT" && what === undefined;
    const path = `${target.version}${target.rest}`;
    return this.#inOrder.run(key, isLate, async () => {
      const removed = method === "DELETE" && what === undefined ? this.#addressesOf(key) : [];
      if (isRenewal && (await this.#standIns.mustRegister(request, key, path.split("?", 1)[0]!)))
        // Clients of 2021 and before take a 404 with a body for a failure.
        return { kind: "made", status: 404, headers: {}, body: Buffer.alloc(0) };
      const given = isRegistration ? this.#standIns.registration(request, { key, app, path }) : undefined;
      const answer = await this.#pass(given?.request ?? request, target);
      if ((answer.statusCode ?? 500) < 300) {
        given?.taken();
        if (isRegistration || isRenewal) this.#clients.renewed(request.address, key, clock.now());
        if (method === "PUT" && what === "metadata") this.#standIns.metadata(key, target.query);
        if (method === "DELETE" && what === undefined) this.#standIns.gone(key);
        if (removed.length > 0) onRemoval?.(removed);
      }
      return { kind: "passed", answer };
    });
  }

  #pass(request: FacadeRequest, { version, rest }: EurekaTarget): Promise<IncomingMessage> {
    return this.#options.pass(request, `${this.#options.basePath}${version}${rest}`);
  }

  /** Where an instance takes calls, as the registry's last list has it. */
  #addressesOf(key: string): readonly string[] {
    const list = this.#shown?.list;
    const raw = list?.hidden.get(key)?.raw ?? list?.instances.get(key)?.raw;
    return raw === undefined ? [] : addressesOf(raw);
  }
}

/** The id of the instance that a registration's body is about. */
function registeredId({ headers, body }: FacadeRequest): string | undefined {
  try {
    const document = decodeEurekaBody(body, formatOf(headers["content-type"]));
    return document.kind === "instance" ? readEurekaInstance(document.instance, "")?.id : undefined;
  } catch {
    // The server took it all the same: what it renews later is known by its path.
    return undefined;
  }
}

function clientOf({ address, headers }: FacadeRequest): string {
  return `${address} ${`${headers["user-agent"] ?? ""}`.slice(0, 200)}`;
}

async function encode(document: EurekaDocument, { format, gzip: isZipped, compact }: Wanted): Promise<Buffer> {
  const body = encodeEurekaBody(compact ? compactDocument(document) : document, format);
  return isZipped ? compress(body, { level: 4 }) : body;
}

function made(status: number, type: string, text: string): FacadeAnswer {
  return { kind: "made", status, headers: { "content-type": type }, body: Buffer.from(text) };
}
