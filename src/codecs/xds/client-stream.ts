/**
 * The client's side of a delta ADS stream, without I/O: what it asks for, what it has, and its answers.
 *
 * What it has outlives the stream: a new one begins with the versions of it, so that the server sends only what changed meanwhile.
 * Source: xds_protocol.rst of Envoy's API documentation.
 */
import { ProtocolError } from "../../base/errors.ts";
import type { DeltaRequest, NodeText, XdsResponse } from "./discovery.ts";
import { WILDCARD } from "./subscription.ts";

/** Of one type: what is asked for by name; `*` is all. */
interface Wanted {
  readonly names: Set<string>;
  /** By name, of what was accepted. */
  readonly versions: Map<string, string>;
  /** Changes that the server has not been told of. */
  readonly subscribe: Set<string>;
  readonly unsubscribe: Set<string>;
  isOpen: boolean;
}

/** See the head of the file. Call `open` for each new stream; `receive` each response, then `accept` or `refuse` it; send what `takeRequest` gives. */
export class ClientStream {
  readonly #node: NodeText;
  readonly #types = new Map<string, Wanted>();
  #answers: Pick<DeltaRequest, "typeUrl" | "nonce" | "error">[] = [];
  #hasNode = false;

  constructor(node: NodeText) {
    this.#node = node;
  }

  /** Asks for these names of a type too; `*` for all. */
  subscribe(typeUrl: string, names: readonly string[]): void {
    const wanted = this.#wanted(typeUrl);
    for (const name of names) {
      if (wanted.names.has(name)) continue;
      wanted.names.add(name);
      wanted.unsubscribe.delete(name);
      wanted.subscribe.add(name);
    }
  }

  /** Asks for these names no more, and forgets what it has of them. */
  unsubscribe(typeUrl: string, names: readonly string[]): void {
    const wanted = this.#wanted(typeUrl);
    for (const name of names) {
      if (!wanted.names.delete(name)) continue;
      if (!wanted.subscribe.delete(name)) wanted.unsubscribe.add(name);
      if (name === WILDCARD)
        for (const one of [...wanted.versions.keys()]) if (!wanted.names.has(one)) wanted.versions.delete(one);
      if (!wanted.names.has(WILDCARD)) wanted.versions.delete(name);
    }
  }

  /** What of a type is asked for. */
  names(typeUrl: string): ReadonlySet<string> {
    return this.#wanted(typeUrl).names;
  }

  /** What it has of a type, with versions; for those who keep it over a restart. */
  versions(typeUrl: string): ReadonlyMap<string, string> {
    return this.#wanted(typeUrl).versions;
  }

  /** Says what it has already, from before a restart. */
  restore(typeUrl: string, versions: ReadonlyMap<string, string>): void {
    for (const [name, version] of versions) this.#wanted(typeUrl).versions.set(name, version);
  }

  /** A new stream: everything is asked for again, with the versions of what is there. */
  open(): void {
    this.#hasNode = false;
    this.#answers = [];
    for (const wanted of this.#types.values()) {
      wanted.isOpen = false;
      wanted.unsubscribe.clear();
      for (const name of wanted.names) wanted.subscribe.add(name);
    }
  }

  /** Takes a response. Throws a `ProtocolError` for a type that was not asked for, and for a name that stands in it twice. */
  receive(response: XdsResponse): XdsResponse {
    const { typeUrl, resources, removed } = response;
    if (!this.#types.has(typeUrl))
      throw new ProtocolError("xds", `a response of ${typeUrl.slice(0, 200)}, which was not asked for`, 0);
    const names = new Set<string>();
    for (const name of [...resources.map((one) => one.name), ...removed]) {
      if (names.has(name)) throw new ProtocolError("xds", `a response has ${name.slice(0, 200)} twice`, 0);
      names.add(name);
    }
    return response;
  }

  /** The response is in force. */
  accept({ typeUrl, nonce, resources, removed }: XdsResponse): void {
    const { versions } = this.#wanted(typeUrl);
    for (const { name, version } of resources) versions.set(name, version);
    for (const name of removed) versions.delete(name);
    this.#answers.push({ typeUrl, nonce });
  }

  /** The response is not taken: what was there before stays in force. */
  refuse({ typeUrl, nonce }: Pick<XdsResponse, "typeUrl" | "nonce">, message: string): void {
    this.#answers.push({ typeUrl, nonce, error: { code: 3, message } });
  }

  /** The next request to send; undefined while there is none. */
  takeRequest(): DeltaRequest | undefined {
    const answer = this.#answers.shift();
    if (answer !== undefined) return this.#request(answer.typeUrl, answer);
    for (const [typeUrl, wanted] of this.#types) {
      if (wanted.subscribe.size + wanted.unsubscribe.size > 0) return this.#request(typeUrl, {});
    }
    return undefined;
  }

  #request(typeUrl: string, { nonce = "", error }: Partial<Pick<DeltaRequest, "nonce" | "error">>): DeltaRequest {
    const wanted = this.#wanted(typeUrl);
    const initialVersions = wanted.isOpen ? {} : Object.fromEntries(wanted.versions);
    const request: DeltaRequest = {
      variant: "delta",
      typeUrl,
      nonce,
      ...(!this.#hasNode && { node: this.#node }),
      ...(error !== undefined && { error }),
      subscribe: [...wanted.subscribe],
      unsubscribe: [...wanted.unsubscribe],
      initialVersions,
    };
    wanted.isOpen = true;
    wanted.subscribe.clear();
    wanted.unsubscribe.clear();
    this.#hasNode = true;
    return request;
  }

  #wanted(typeUrl: string): Wanted {
    let wanted = this.#types.get(typeUrl);
    if (wanted === undefined) {
      wanted = { names: new Set(), versions: new Map(), subscribe: new Set(), unsubscribe: new Set(), isOpen: false };
      this.#types.set(typeUrl, wanted);
    }
    return wanted;
  }
}
