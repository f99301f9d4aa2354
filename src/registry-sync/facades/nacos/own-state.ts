import type { NacosBody } from "../../../codecs/nacos/body.ts";
import { parseBody, textOf } from "../../../codecs/nacos/body.ts";
import { readServiceAddress } from "../../../codecs/nacos/messages.ts";
import { decodePayload, type NacosPayload } from "../../../codecs/nacos/payload.ts";
import type { PresentContext } from "../../present/context.ts";
import { HiddenRules, type HiddenRulesParts } from "./hidden-rules.ts";
import { ClientMemory, instancesIn, serviceText } from "./memory.ts";
import { isRegistering, type StandIn, standInMessage, standInRequest } from "./stand-ins.ts";
import type { ClientLogin } from "./token-logins.ts";
import { isTaken, type Outcome } from "./upstream.ts";

/** What {@link OwnState} needs. */
export interface OwnStateParts extends HiddenRulesParts {
  readonly context: () => Pick<PresentContext, "registering" | "hidesRouter" | "passesClient">;
  /** Hears of instances (`address:port`) that the client took out on purpose, as they stood at the registry. */
  readonly onRemoval?: (instances: readonly string[]) => void;
  /** Hears of tokens with which the registry did what the client asked, and knows of newer ones. */
  readonly login?: Pick<ClientLogin, "accepted" | "follow">;
}

/**
 * What one client has at the registry: its registrations with the addresses of the proxies in front of them, its subscriptions, what it listens
 * to, but for the rules that it is not shown. A registration takes the place of the one before it, so that an instance that is moved is there all the time.
 */
export class OwnState {
  readonly #parts: OwnStateParts;
  readonly #memory = new ClientMemory();
  readonly #rules: HiddenRules;
  /** The newest bodies of the registrations that may be moved, by service; undefined where they are to be sent again. */
  readonly #written = new Map<string, string | undefined>();

  /** Whether something may have to be moved that the server had not answered for. */
  hasLate = false;

  constructor(parts: OwnStateParts) {
    this.#parts = parts;
    this.#rules = new HiddenRules(parts);
    parts.login?.follow((token) => this.#memory.noteToken(token));
  }

  /** How many services it has instances of that go with the connection. */
  get registrations(): number {
    return this.#memory.registrations;
  }

  /** Whether all of it can be made again at another connection. */
  get isWhole(): boolean {
    return this.#memory.isWhole;
  }

  /** Notes what a request brings with it before its answer is known; gives the answer of one that the registry is not asked. */
  noteSent(payload: NacosPayload): Buffer | undefined {
    this.#memory.noteSent(payload);
    return this.#rules.answer(payload);
  }

  /** A request as it is to be sent now. */
  toServer(message: Buffer, payload: NacosPayload): Buffer {
    const { registering } = this.#parts.context();
    const shown = this.#rules.toServer(message, payload);
    return registering.inbound.length === 0 ? shown : this.#sent(standInRequest(shown, payload, registering), payload);
  }

  /** The server took a request of the client. */
  taken(payload: NacosPayload, asked: NacosBody, message: Buffer): void {
    this.#memory.noteTaken(payload, asked, message);
    const token = payload.headers.get("accessToken");
    if (token !== undefined) this.#parts.login?.accepted(token);
    if (textOf(asked, "type") !== "deregisterInstance") return;
    this.#written.delete(serviceText(readServiceAddress(asked)));
    this.#parts.onRemoval?.(this.#standing([message]));
  }

  /** A server denied what was sent again. */
  noteDenied(): void {
    this.#memory.noteDenied();
  }

  /** The client ended its connection in order. */
  left(): void {
    const instances = this.#standing(this.#memory.registered());
    if (instances.length > 0) this.#parts.onRemoval?.(instances);
  }

  /** All that has to be sent again, as it is to stand now. */
  replay(): Buffer[] {
    const messages = this.#memory.replay().map((message) => this.#rules.toServer(message, decodePayload(message)));
    const { registering } = this.#parts.context();
    this.#written.clear();
    if (registering.inbound.length === 0) return messages;
    return messages.map((message) => {
      const payload = decodePayload(message);
      return this.#sent(standInRequest(message, payload, registering), payload);
    });
  }

  /** Tells the client of rules that are hidden now or no longer, and sends what is to stand otherwise now than it was sent; what the registry does not take is tried again with the next change. */
  move(send: (message: Buffer, done: (outcome: Outcome) => void) => void): void {
    const registering = this.#parts.context().registering;
    this.hasLate = false;
    this.#rules.contextChanged();
    for (const [key, written] of [...this.#written]) {
      const own = this.#memory.registration(key);
      if (own === undefined) {
        this.hasLate = true;
        continue;
      }
      const { message } = standInMessage(own, registering);
      const now = textOfBody(message);
      if (now === written) continue;
      this.#written.set(key, now);
      send(message, (outcome) => {
        if (!isTaken(outcome) && this.#written.get(key) === now) this.#written.set(key, undefined);
      });
    }
  }

  #sent({ message, isMovable }: StandIn, payload: NacosPayload): Buffer {
    if (!isRegistering(payload.type)) return message;
    const key = serviceText(readServiceAddress(parseBody(payload.body)));
    if (isMovable) this.#written.set(key, textOfBody(message));
    else this.#written.delete(key);
    return message;
  }

  #standing(messages: readonly Buffer[]): string[] {
    const registering = this.#parts.context().registering;
    return messages.flatMap((message) =>
      instancesIn(parseBody(decodePayload(standInMessage(message, registering).message).body)),
    );
  }
}

function textOfBody(message: Buffer): string {
  return Buffer.from(decodePayload(message).body).toString("utf8");
}
