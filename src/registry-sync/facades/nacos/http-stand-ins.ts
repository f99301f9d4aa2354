import type { IncomingHttpHeaders } from "node:http";
import { isRecord, type NacosBody, textOf } from "../../../codecs/nacos/body.ts";
import type { ServiceAddress } from "../../../codecs/nacos/messages.ts";
import { readServiceQuery } from "../../present/nacos-http.ts";
import { registeredNacos } from "../../present/registered-nacos.ts";
import { anyStandIn, type RegisteringContext } from "../../present/registering.ts";
import { StandingBook } from "../standing-book.ts";
import { serviceText } from "./memory.ts";

/** A request of a client. */
export interface HttpAsked {
  readonly method: string;
  /** Path below the API's root. */
  readonly base: string;
  /** The whole path, without the query. */
  readonly path: string;
  readonly rawQuery: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly address: string;
}

/** The same as the registry is to get it. */
export interface HttpGiven {
  readonly rawQuery: string;
  readonly body: Buffer;
  /** Where the instance that it is about stands, `address:port`; undefined where it is about none. */
  readonly instance?: string;
  /** To be called when the registry took it. */
  readonly taken: () => void;
}

/** What is sent for a client that has asked for nothing now. */
export interface HttpSent {
  readonly method: "POST" | "DELETE";
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly address: string;
}

/** What {@link HttpStandIns} needs. */
export interface HttpStandInParts {
  readonly registering: () => RegisteringContext;
  readonly now: () => number;
  /** Sends a request; its answer's status. Rejects where no server answers. */
  readonly send: (sent: HttpSent) => Promise<number>;
}

/** A registration of an instance at a provider's address, or at a proxy's. */
interface Own {
  /** How it was asked for, with the parameters of query and body. */
  readonly asked: Pick<HttpAsked, "path" | "query" | "headers" | "address">;
  readonly service: ServiceAddress;
  readonly instance: NacosBody;
  at: string;
  token: string | undefined;
  seenMs: number;
}

const ABOUT_INSTANCE =
  /^\/(?:v1\/ns\/instance(?:\/beat)?|v2\/ns\/instance|v[12]\/ns\/health(?:\/instance)?|v3\/client\/ns\/instance)$/;
const REGISTERS = /\/instance$/;
/** Servers take an instance out that has not beaten for so long, ms. */
const GONE_MS = 30_000;

/** Registers the proxies in front of instances of clients that speak HTTP; all that is said of such an instance later is said of the proxy's. */
export class HttpStandIns {
  readonly #parts: HttpStandInParts;
  /** By service and the client's own address. */
  readonly #own = new StandingBook<Own>();

  constructor(parts: HttpStandInParts) {
    this.#parts = parts;
  }

  /** A request as the registry is to get it. */
  toServer(asked: HttpAsked): HttpGiven {
    const registering = this.#parts.registering();
    const asItCame: HttpGiven = { rawQuery: asked.rawQuery, body: asked.body, taken() {} };
    if (!ABOUT_INSTANCE.test(asked.base)) return asItCame;
    const form = isForm(asked.headers) ? new URLSearchParams(asked.body.toString("utf8")) : undefined;
    const all = new URLSearchParams([...asked.query, ...(form ?? [])]);
    const instance = instanceIn(all);
    if (instance === undefined) return asItCame;
    if (registering.inbound.length === 0 && this.#own.size === 0) return { ...asItCame, instance: addressOf(instance) };
    const service = { ...readServiceQuery(all) };
    const key = `${serviceText(service)}\n${addressOf(instance)}`;
    const own = this.#own.get(key);
    const isRegistration = asked.method === "POST" && REGISTERS.test(asked.base);
    const metadata = instance["metadata"] ?? (isRegistration ? {} : own?.instance["metadata"]);
    const known = metadata === undefined ? instance : { ...instance, metadata };
    const standing = registeredNacos(known, service, registering);
    const at = addressOf(standing);
    const taken = () => {
      const token = all.get("accessToken") ?? undefined;
      if (asked.method === "DELETE") this.#own.delete(key);
      else if (isRegistration) {
        const { path, headers, address } = asked;
        const own = { asked: { path, query: all, headers, address }, service, instance: known, at, token };
        this.#note(key, own, asked.rawQuery.length + asked.body.length);
      } else if (own !== undefined) Object.assign(own, { seenMs: this.#parts.now(), token: token ?? own.token });
    };
    if (standing === known) return { ...asItCame, instance: at, taken };
    const change = (params: URLSearchParams) => changed(params, standing, isRegistration);
    return {
      rawQuery: change(asked.query).toString(),
      body: form === undefined ? asked.body : Buffer.from(change(form).toString()),
      instance: at,
      taken,
    };
  }

  /** Another context: what is to stand otherwise now is moved, the new one first. */
  contextChanged(): void {
    const { registering, now } = this.#parts;
    for (const [key, own] of this.#own.all()) {
      if (now() - own.seenMs > GONE_MS) {
        this.#own.delete(key);
        continue;
      }
      const standing = registeredNacos(own.instance, own.service, registering());
      const before = own.at;
      if (addressOf(standing) === before) continue;
      own.at = addressOf(standing);
      this.#send("POST", own, standing).then(
        (status) => (status === 200 ? this.#drop(own, before) : void 0),
        // The next beat finds nobody there, and the client registers by itself.
        () => {},
      );
    }
  }

  #note(key: string, given: Omit<Own, "seenMs">, bytes: number): void {
    const before = this.#own.get(key);
    this.#own.delete(key);
    const { ip, port } = given.instance;
    // By its address alone: what is asked of it later says no more.
    const bare = { ip, port };
    if (registeredNacos(bare, given.service, anyStandIn(this.#parts.registering())) === bare) return;
    const own = { ...given, seenMs: this.#parts.now() };
    this.#own.set(key, own, bytes);
    const real = addressOf(given.instance);
    // From a time before this one: it would stand beside this one until it is missed.
    if (before === undefined && given.at !== real) this.#drop(own, real);
  }

  #drop(own: Own, address: string): void {
    const [ip, port] = splitAddress(address);
    this.#send("DELETE", own, { ip, port }).catch(() => {});
  }

  #send(method: "POST" | "DELETE", { asked, token }: Own, at: NacosBody): Promise<number> {
    const params = changed(new URLSearchParams(asked.query), at, method === "POST");
    if (token !== undefined) params.set("accessToken", token);
    const { path, headers, address } = asked;
    const { "content-type": _, ...others } = headers;
    return this.#parts.send({ method, path: `${path}?${params}`, headers: others, address });
  }
}

/** The parameters with an instance's address where they have one, and with its metadata. */
function changed(params: URLSearchParams, standing: NacosBody, isRegistration: boolean): URLSearchParams {
  const now = new URLSearchParams(params);
  const metadata = standing["metadata"];
  const beat = jsonOf(now.get("beat"));
  if (beat !== undefined) {
    const said = isRecord(metadata) && isRecord(beat["metadata"]) && { metadata: { ...beat["metadata"], ...metadata } };
    now.set("beat", JSON.stringify({ ...beat, ip: standing["ip"], port: Number(standing["port"]), ...said }));
  }
  if (!now.has("ip")) return now;
  now.set("ip", textOf(standing, "ip"));
  now.set("port", textOf(standing, "port"));
  if (metadata !== undefined && (isRegistration || now.has("metadata"))) now.set("metadata", JSON.stringify(metadata));
  return now;
}

/** The instance that parameters are about; without metadata where they say none. */
function instanceIn(params: URLSearchParams): NacosBody | undefined {
  const beat = jsonOf(params.get("beat")) ?? {};
  const ip = params.get("ip") ?? textOf(beat, "ip");
  const port = Number(params.get("port") ?? textOf(beat, "port"));
  if (ip === "" || !Number.isInteger(port) || port <= 0) return undefined;
  const metadata = metadataOf(params.get("metadata")) ?? beat["metadata"];
  const ephemeral = params.get("ephemeral");
  return { ip, port, ...(ephemeral !== null && { ephemeral }), ...(isRecord(metadata) && { metadata }) };
}

/** Metadata as servers read them: JSON, or `a=b,c=d`. */
function metadataOf(text: string | null): NacosBody | undefined {
  if (text === null) return undefined;
  const json = jsonOf(text);
  if (json !== undefined) return json;
  const pairs = text.split(",").map((pair) => pair.split("="));
  return Object.fromEntries(pairs.filter((pair) => pair.length === 2));
}

function jsonOf(text: string | null): NacosBody | undefined {
  if (text === null) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isForm(headers: IncomingHttpHeaders): boolean {
  return `${headers["content-type"] ?? ""}`.toLowerCase().startsWith("application/x-www-form-urlencoded");
}

function addressOf(instance: NacosBody): string {
  return `${textOf(instance, "ip")}:${textOf(instance, "port")}`;
}

function splitAddress(address: string): readonly [ip: string, port: number] {
  const at = address.lastIndexOf(":");
  return [address.slice(0, at), Number(address.slice(at + 1))];
}
