/** Played-out xDS streams: lists of resources as text, requests and responses as lines. */
import type { DeltaRequest, NodeText, SotwRequest, XdsResponse } from "../../src/codecs/xds/discovery.ts";
import { CLUSTER_TYPE, ENDPOINT_TYPE, LISTENER_TYPE, ROUTE_TYPE, SECRET_TYPE } from "../../src/codecs/xds/resources.ts";
import type { ServedSet } from "../../src/codecs/xds/served.ts";
import { ServerStream, type ServerStreamEvent, type ServerStreamOptions } from "../../src/codecs/xds/server-stream.ts";

/** Type URLs by what people call them. */
export const TYPES: Readonly<Record<string, string>> = {
  CDS: CLUSTER_TYPE,
  EDS: ENDPOINT_TYPE,
  LDS: LISTENER_TYPE,
  RDS: ROUTE_TYPE,
  SDS: SECRET_TYPE,
};

/** A client of a playbook. */
export const NODE: NodeText = { id: "n", cluster: "", metadata: {}, userAgentName: "", userAgentVersion: "" };

/** A set: `{ CDS: "a1 b2" }` is the clusters `a` of version 1 and `b` of version 2; a route `r1>a,b` leads to both. */
export function servedSet(lists: Readonly<Record<string, string>>, find?: ServedSet["find"]): ServedSet {
  const types = Object.entries(lists).map(([type, text]) => {
    const list = text.split(" ").filter((one) => one !== "");
    return [
      TYPES[type] ?? type,
      list.map((one) => {
        const [text = "", to] = one.split(">");
        const name = text.slice(0, -1);
        const leads = to === undefined ? {} : { to: to.split(",") };
        return { name, version: text.slice(-1), resource: type === "EDS" ? { clusterName: name } : { name, ...leads } };
      }),
    ] as const;
  });
  return { version: JSON.stringify(lists), types: new Map(types), ...(find !== undefined && { find }) };
}

/** `CDS a1 b2 -c`: type, resources with their versions, removed ones. */
export function printResponse({ typeUrl, resources, removed }: XdsResponse): string {
  const type = Object.keys(TYPES).find((one) => TYPES[one] === typeUrl) ?? typeUrl;
  return [type, ...resources.map(({ name, version }) => name + version), ...removed.map((name) => `-${name}`)].join(
    " ",
  );
}

/** What a request may say beside its type. */
export type RequestParts = Partial<Omit<DeltaRequest, "variant"> & Omit<SotwRequest, "variant">>;

/** A server's stream with a client that is played by hand. */
export class Playbook {
  readonly stream: ServerStream;
  readonly events: ServerStreamEvent[] = [];
  readonly #variant: "sotw" | "delta";
  readonly #last = new Map<string, XdsResponse>();
  #hasNode = false;

  constructor(variant: "sotw" | "delta", options: Omit<ServerStreamOptions, "variant"> = {}) {
    this.#variant = variant;
    this.stream = new ServerStream({ variant, ...options });
  }

  publish(lists: Readonly<Record<string, string>>, find?: ServedSet["find"]): void {
    this.stream.publish(servedSet(lists, find));
  }

  /** The same, where the changes of some types are taken all at once or not at all. */
  publishTogether(lists: Readonly<Record<string, string>>, ...types: readonly string[]): void {
    this.stream.publish({ ...servedSet(lists), together: new Set(types.map((type) => TYPES[type] ?? type)) });
  }

  /** All that the server sends now, its client silent. */
  sent(): string[] {
    const lines: string[] = [];
    for (let response = this.stream.takeResponse(); response !== undefined; response = this.stream.takeResponse()) {
      this.#last.set(response.typeUrl, response);
      lines.push(printResponse(response));
    }
    return lines;
  }

  /** All that the server sends until it has nothing more, each response accepted at once. */
  settled(): string[] {
    const lines: string[] = [];
    for (let more = this.sent(); more.length > 0; more = this.sent()) {
      lines.push(...more);
      for (const line of more) this.ack(line.split(" ")[0]!);
    }
    return lines;
  }

  /** A request that asks for names; of state-of-the-world streams all that are wanted. With the nonce of the type's last response, if it has one. */
  ask(type: string, names: readonly string[], more: RequestParts = {}): void {
    this.#receive(type, { names, subscribe: names, nonce: this.#variant === "sotw" ? this.nonce(type) : "", ...more });
  }

  ack(type: string, more: RequestParts = {}): void {
    this.#receive(type, { nonce: this.nonce(type), names: this.#names(type), ...more });
  }

  nack(type: string, message = "no"): void {
    this.ack(type, { error: { code: 3, message } });
  }

  nonce(type: string): string {
    return this.#last.get(TYPES[type] ?? type)?.nonce ?? "";
  }

  /** What a state-of-the-world client says again with each request. */
  #names(type: string): readonly string[] {
    const one = this.stream.subscriptions.find(({ typeUrl }) => typeUrl === (TYPES[type] ?? type));
    return one === undefined ? [] : [...(one.wildcard && one.names.size > 0 ? ["*"] : []), ...one.names];
  }

  #receive(type: string, parts: RequestParts): void {
    const common = { typeUrl: TYPES[type] ?? type, nonce: parts.nonce ?? "", ...(!this.#hasNode && { node: NODE }) };
    this.#hasNode = true;
    const error = parts.error === undefined ? {} : { error: parts.error };
    const { names = [], version = "", subscribe = [], unsubscribe = [], initialVersions = {} } = parts;
    this.events.push(
      ...this.stream.receive(
        this.#variant === "sotw"
          ? { variant: "sotw", ...common, ...error, names, version }
          : { variant: "delta", ...common, ...error, subscribe, unsubscribe, initialVersions },
      ),
    );
  }
}
