/** A client of the xDS server without gRPC: what it was sent, and whether it takes more. */
import type { XdsResponse } from "../../src/codecs/xds/discovery.ts";
import { decodeResponse, encodeRequest } from "../../src/codecs/xds/discovery-bytes.ts";
import type { XdsClient, XdsPipe } from "../../src/control/xds/client.ts";
import { NODE, printResponse, type RequestParts, TYPES } from "./xds-playbook.ts";

/** The pipe of one delta stream. */
export class FakePipe implements XdsPipe {
  readonly peer: string;
  readonly responses: XdsResponse[] = [];
  /** Whether it takes more after each message. */
  takesMore = true;
  ended: string | undefined;

  constructor(peer = "10.0.0.1:1") {
    this.peer = peer;
  }

  write(bytes: Buffer): boolean {
    this.responses.push(decodeResponse("delta", bytes));
    return this.takesMore;
  }

  end(code: number, message: string): void {
    this.ended = `${code} ${message}`;
  }

  /** What it was sent, in lines. */
  get lines(): string[] {
    return this.responses.map(printResponse);
  }
}

/** A request with a node as it comes over the wire. */
export function requestBytes(type: string, parts: RequestParts = {}): Uint8Array {
  const { nonce = "", subscribe = [], unsubscribe = [], initialVersions = {}, node = NODE, error } = parts;
  const typeUrl = TYPES[type] ?? type;
  const more = error === undefined ? {} : { error };
  return encodeRequest({ variant: "delta", typeUrl, nonce, subscribe, unsubscribe, initialVersions, node, ...more });
}

/** The client's answer to the last response of its pipe: a refusal where a message is given. */
export function answer(client: XdsClient, pipe: FakePipe, message?: string): void {
  const { typeUrl, nonce } = pipe.responses.at(-1)!;
  client.receive(requestBytes(typeUrl, { nonce, ...(message !== undefined && { error: { code: 3, message } }) }));
}
