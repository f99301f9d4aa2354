import { isUtf8 } from "node:buffer";
import type { Http2Stream } from "../../../codecs/http2/stream.ts";
import { type NacosBody, recordOf, textOf } from "../../../codecs/nacos/body.ts";
import {
  type ConnectionSetup,
  readInstances,
  readServiceAddress,
  readSubscription,
  request,
  type ServiceAddress,
} from "../../../codecs/nacos/messages.ts";
import { encodePayload, type NacosPayload } from "../../../codecs/nacos/payload.ts";
import { splitGroupedName } from "../../../codecs/nacos/service-info.ts";
import type { DubboUrl } from "../../dubbo/url.ts";
import { ANYBODY, type Asker, speechOf, withSpeech } from "../../present/asker.ts";
import type { PresentContext } from "../../present/context.ts";
import type { NacosQuestion } from "../../present/nacos.ts";
import { presentNacosList } from "../../present/nacos-list.ts";
import { parseDubboServiceName, urlOfHost } from "../../present/nacos-urls.ts";
import type { Passed } from "../../present/present.ts";
import type { Patience } from "../patience.ts";
import type { NacosCounters } from "./counters.ts";
import { type Followed, Following } from "./following.ts";
import { serviceText } from "./memory.ts";
import type { SharedServices } from "./services.ts";

/** How the requestIds of pushes begin that no server sent; a server's are decimals. */
export const OUR_PUSH = "trestle-";
/** Most interfaces of which it is kept what a client's consumers take. */
const MAX_ASKERS = 10_000;
/** What a client says of itself may change all of its lists: they are looked at for that no more often than this, ms. */
const ALL_MS = 5_000;

/** What {@link Naming} needs. */
export interface NamingParts {
  readonly services: SharedServices;
  readonly context: () => PresentContext;
  readonly patience: Patience;
  /** Hears of names that pass unchanged. */
  readonly onPassed: (passed: Passed) => void;
  /** The namespace that the mesh mirrors; in others the client is shown what the server says. */
  readonly namespace: string;
  readonly counters: NacosCounters;
  readonly now: () => number;
  readonly clientAddress: string;
  /** Writes an envelope to the client's stream. */
  readonly push: (message: Uint8Array) => void;
  /** Answers a call of the client with an envelope. */
  readonly answer: (stream: Http2Stream, message: Uint8Array) => void;
}

/** An answer of the server to a request of the client. */
export interface Answered {
  readonly stream: Http2Stream;
  readonly type: string;
  readonly asked: NacosBody;
  readonly answer: NacosPayload;
  readonly said: NacosBody;
  /** The answer's envelope as it came. */
  readonly message: Buffer;
}

/** What waits until the proxies have been told of its service. */
interface Waiting {
  readonly one: Followed;
  /** Whether it still waits; shows it where not. */
  readonly settle: () => boolean;
  readonly stream: Http2Stream | undefined;
}

const CONCERNED: ReadonlySet<string> = new Set([
  "InstanceRequest",
  "BatchInstanceRequest",
  "SubscribeServiceRequest",
  "ServiceQueryRequest",
  "ServiceListRequest",
  "ConfigBatchListenRequest",
]);

/** What of one client's conversation is about services: what it is shown of them, at once and when that changes. */
export class Naming {
  readonly #parts: NamingParts;
  readonly #following: Following;
  readonly #namespaces = new Set<string>();
  readonly #askers = new Map<string, Asker>();
  #ownCluster = "";
  #application = "";
  #pushes = 0;
  /** What the client said of itself is another since all of its lists were looked at, and when they may be again. */
  #isOther = false;
  #allMs = 0;
  #waiting: Waiting[] = [];

  constructor(parts: NamingParts) {
    this.#parts = parts;
    this.#following = new Following({
      services: parts.services,
      context: parts.context,
      question: (service, clusters) => this.#question(service, clusters),
      passes: (service) => this.#passes(service),
    });
  }

  /** Whether anything has to be done about the answer to a request. */
  static isConcerned(type: string): boolean {
    return CONCERNED.has(type);
  }

  /** Whether time brings something. */
  get waits(): boolean {
    return this.#waiting.length > 0 || this.#following.graceEndsMs !== undefined;
  }

  /** The application that the client says to be; `""` for none. */
  get application(): string {
    return this.#application;
  }

  /** The client said who it is. */
  setup({ labels }: ConnectionSetup): void {
    const name = labels["AppName"];
    if (name !== undefined && name !== "unknown") this.#application = name.slice(0, 256);
  }

  /** The server took a request: what the client says of itself by it. */
  taken(type: string, asked: NacosBody): void {
    if (type === "SubscribeServiceRequest") {
      const { subscribe, clusters } = readSubscription(asked);
      if (!subscribe) this.#following.forget(readServiceAddress(asked), clusters);
      return;
    }
    if (type !== "InstanceRequest" && type !== "BatchInstanceRequest") return;
    const [instance] = readInstances(asked, 1);
    if (instance === undefined || textOf(asked, "type") === "deregisterInstance") return;
    const before = `${this.#ownCluster}\n${this.#application}`;
    this.#ownCluster = instance.clusterName.slice(0, 128);
    const { serviceName } = readServiceAddress(asked);
    const dubbo = parseDubboServiceName(serviceName);
    if (this.#application === "")
      this.#application = (dubbo === undefined ? serviceName : (instance.metadata["application"] ?? "")).slice(0, 256);
    if (`${this.#ownCluster}\n${this.#application}` !== before) this.#isOther = true;
    const url = dubbo?.category === "consumers" ? urlOfHost({ ...instance }) : undefined;
    if (dubbo !== undefined && url !== undefined) this.#noteConsumer(dubbo.interfaceName, url);
  }

  /** Passes the server's answer on, changed where it must be. */
  answer(answered: Answered): void {
    const { stream, type, asked, answer, said, message } = answered;
    // Text in another charset would be another text: it passes as it came.
    if (!isUtf8(answer.body)) {
      this.#parts.answer(stream, message);
      return;
    }
    if (type === "ServiceListRequest") {
      const { namespace } = readServiceAddress(asked);
      const shown = namespace === this.#parts.namespace ? presentNacosList(said, asked, this.#parts.context()) : said;
      this.#parts.answer(stream, shown === said ? message : this.#changed(answer, shown));
      return;
    }
    const info = recordOf(said, "serviceInfo");
    const isSubscription = type === "SubscribeServiceRequest";
    if (info === undefined || (!isSubscription && type !== "ServiceQueryRequest")) {
      this.#parts.answer(stream, message);
      return;
    }
    const service = readServiceAddress(asked);
    const clusters = isSubscription ? readSubscription(asked).clusters : textOf(asked, "cluster");
    const how = !isSubscription ? "once" : readSubscription(asked).subscribe ? "begin" : "known";
    if (how === "begin") this.#addNamespace(service.namespace);
    const one = this.#following.note(service, clusters, info, how, this.#parts.now());
    this.#settle({
      one,
      stream,
      settle: () => this.#show(one, said, message, (body) => this.#parts.answer(stream, this.#encode(answer, body))),
    });
  }

  /** The server pushed a service's list. */
  notified(payload: NacosPayload, body: NacosBody, message: Buffer): void {
    const info = recordOf(body, "serviceInfo");
    const { group, name } = splitGroupedName(textOf(info ?? {}, "name"), textOf(info ?? {}, "groupName"));
    if (info === undefined || name === "" || !isUtf8(payload.body)) {
      this.#parts.push(message);
      return;
    }
    const clusters = textOf(info, "clusters");
    const namespace = this.#namespaceOf(textOf(body, "namespace"), group, name, clusters);
    const service = { namespace, groupName: group, serviceName: name };
    const one = this.#following.note(service, clusters, info, "known", this.#parts.now());
    this.#settle({
      one,
      stream: undefined,
      settle: () => this.#show(one, body, message, (shown) => this.#parts.push(this.#encode(payload, shown))),
    });
  }

  /** A request was made again at another connection, and answered. */
  replayed(sent: NacosPayload, asked: NacosBody, said: NacosBody): void {
    const info = recordOf(said, "serviceInfo");
    if (sent.type !== "SubscribeServiceRequest" || info === undefined) return;
    const service = readServiceAddress(asked);
    const { clusters } = readSubscription(asked);
    this.#tell(this.#following.note(service, clusters, info, "begin", this.#parts.now()));
  }

  /** The server's end of the connection is gone. */
  serverLost(): void {
    this.#waiting = this.#waiting.filter(({ stream }) => stream !== undefined);
  }

  /** A server's end was made anew. */
  resuming(): void {
    this.#following.beginGrace(this.#parts.now());
  }

  /** The client waits for that answer no longer. */
  cancelled(stream: Http2Stream): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting.stream !== stream);
  }

  /**
   * Tells the client what it is to be shown otherwise from now on. Of lists of Dubbo's providers those of `interfaces` alone are looked at:
   * the others are shown as they were; undefined for all.
   */
  contextChanged(interfaces: ReadonlySet<string> | undefined): void {
    this.tick();
    const concerned = this.#following.concernedBy(interfaces);
    if (concerned.length === 0) return;
    const waiting = new Set(this.#waiting.map(({ one }) => textOfOne(one)));
    for (const one of concerned) if (!waiting.has(textOfOne(one))) this.#tell(one);
  }

  /** Looks again at what waits. */
  tick(): void {
    if (this.#waiting.length > 0) this.#waiting = this.#waiting.filter(({ settle }) => settle());
    const endsMs = this.#following.graceEndsMs;
    if (endsMs !== undefined && this.#parts.now() >= endsMs)
      for (const one of this.#following.endGrace()) this.#tell(one);
    const nowMs = this.#parts.now();
    if (!this.#isOther || nowMs < this.#allMs) return;
    this.#isOther = false;
    this.#allMs = nowMs + ALL_MS;
    this.contextChanged(undefined);
  }

  /** Asks the client to look for another server. */
  sendAway(): void {
    this.#push("ConnectResetRequest", request("ConnectResetRequest", "internal").body);
  }

  #settle(waiting: Waiting): void {
    if (waiting.stream === undefined) {
      // The newest list of a service is the one that counts.
      this.#waiting = this.#waiting.filter(({ one, stream }) => stream !== undefined || !isSame(one, waiting.one));
    }
    if (waiting.settle()) this.#waiting.push(waiting);
  }

  /** Sends what is shown, or says that it must wait. */
  #show(given: Followed, said: NacosBody, message: Buffer, send: (body: NacosBody | Buffer) => void): boolean {
    // While it waited the server may have said something newer, and that may have been shown.
    const one = (given.isOnce ? undefined : this.#following.find(given.service, given.clusters)) ?? given;
    const shown = this.#following.shown(one);
    if (this.#parts.patience.waitsFor(shown.soon)) return true;
    for (const passed of shown.passed) this.#parts.onPassed(passed);
    const serviceInfo = this.#following.object(one, shown);
    const asItCame =
      one.frame === given.frame &&
      one.truth === undefined &&
      !shown.isChanged &&
      serviceInfo["lastRefTime"] === one.serverRefMs;
    if (shown.isChanged) this.#parts.counters.rewritten++;
    send(asItCame ? message : { ...said, serviceInfo });
    return false;
  }

  /** Pushes what is shown now where the client was shown something else. */
  #tell(one: Followed): void {
    if (one.shownText !== undefined) this.#settle({ one, stream: undefined, settle: () => this.#tellNow(one) });
  }

  #tellNow(one: Followed): boolean {
    const shown = this.#following.shown(one);
    if (shown.text === one.shownText) return false;
    if (this.#parts.patience.waitsFor(shown.soon)) return true;
    const { namespace, groupName, serviceName } = one.service;
    const serviceInfo = this.#following.object(one, shown);
    this.#push("NotifySubscriberRequest", {
      headers: {},
      namespace,
      serviceName,
      groupName,
      serviceInfo,
      module: "naming",
    });
    this.#parts.counters.artificial++;
    return false;
  }

  #push(type: string, body: NacosBody): void {
    const requestId = `${OUR_PUSH}${++this.#pushes}`;
    this.#parts.push(encodePayload({ type, body: JSON.stringify({ ...body, requestId }) }));
  }

  #encode(payload: NacosPayload, body: NacosBody | Buffer): Buffer {
    return Buffer.isBuffer(body) ? body : this.#changed(payload, body);
  }

  #changed({ type, headers, clientIp }: NacosPayload, body: NacosBody): Buffer {
    return encodePayload({ type, headers, clientIp, body: JSON.stringify(body) });
  }

  #question({ groupName, serviceName }: ServiceAddress, clusters: string): NacosQuestion {
    const interfaceName = parseDubboServiceName(serviceName)?.interfaceName ?? "";
    const asker = this.#askers.get(interfaceName) ?? ANYBODY;
    return { groupName, serviceName, clusters, ownCluster: this.#ownCluster, asker };
  }

  #passes({ namespace }: ServiceAddress): boolean {
    if (namespace !== this.#parts.namespace) return true;
    return this.#parts.context().passesClient({ address: this.#parts.clientAddress, application: this.#application });
  }

  #addNamespace(namespace: string): void {
    if (this.#namespaces.size < 64) this.#namespaces.add(namespace);
  }

  /** A push of 2.x does not say its namespace: it is that of the subscription. */
  #namespaceOf(said: string, groupName: string, serviceName: string, clusters: string): string {
    if (said !== "" && this.#namespaces.has(said)) return said;
    for (const namespace of this.#namespaces)
      if (this.#following.find({ namespace, groupName, serviceName }, clusters) !== undefined) return namespace;
    const [first] = this.#namespaces;
    return first ?? this.#parts.namespace;
  }

  #noteConsumer(interfaceName: string, url: DubboUrl): void {
    const { unled, speaks } = this.#askers.get(interfaceName) ?? ANYBODY;
    if (this.#askers.size >= MAX_ASKERS && !this.#askers.has(interfaceName)) return;
    const isUnled = url.params["cluster"] === "broadcast" && unled.length < 16;
    this.#askers.set(interfaceName, {
      unled: isUnled ? [...unled, url] : unled,
      speaks: withSpeech(speaks, speechOf(url)),
    });
    this.contextChanged(new Set([interfaceName]));
  }
}

function isSame(a: Followed, b: Followed): boolean {
  return a.service.serviceName === b.service.serviceName && textOfOne(a) === textOfOne(b);
}

function textOfOne({ service, clusters }: Followed): string {
  return `${serviceText(service)}\n${clusters}`;
}
