import { CallError, ProtocolError } from "../../base/errors.ts";
import type { HeaderLookup } from "../../codecs/xds/match.ts";
import type { ProxyContext } from "../context.ts";
import type { CompiledRoute, HostDecision } from "../route.ts";
import { isReadWhole } from "./json-view.ts";
import { decideByMessage, type MessageDecision, type Refusal, type TripleLane } from "./lanes.ts";
import type { RequestContent } from "./request-content.ts";

/** What policies are told of a message. */
export type ReadMessage = Pick<MessageDecision, "judged" | "generic">;

/** The call that is decided. */
export interface DecidingOwner {
  /** It was answered, or its caller is gone. */
  readonly over: boolean;
  /** By this route; `header` is the call's headers as rules see them, `message` what was read of its message for policies. */
  lead(decision: HostDecision, route: CompiledRoute, header: HeaderLookup, message?: ReadMessage): void;
  /** `decision`: what a message decided that no route takes. */
  refuse(refusal: Refusal, decision?: HostDecision): void;
}

/** What decides where a call goes: its lane, or its first message. A call that is refused is so when its request has ended, or in a moment. */
export class Deciding {
  #lane: TripleLane;
  readonly #context: ProxyContext;
  readonly #content: RequestContent;
  readonly #relane: () => TripleLane;
  readonly #owner: DecidingOwner;

  /** `relane` gives the lane of the call's head under the configuration in force. */
  constructor(context: ProxyContext, content: RequestContent, relane: () => TripleLane, owner: DecidingOwner) {
    this.#context = context;
    this.#content = content;
    this.#relane = relane;
    this.#owner = owner;
    this.#lane = relane();
  }

  /** The lane under the configuration that counts for the call. */
  get lane(): TripleLane {
    return this.#lane;
  }

  start(): void {
    const { refusal, decision, route, needsMessage, header } = this.#lane;
    if (refusal !== undefined) this.#hold(refusal);
    else if (needsMessage) this.#readMessage();
    else this.#owner.lead(decision!, route!, header);
  }

  /** More has come of the request. */
  onMore(): void {
    const { needsMessage, refusal } = this.#lane;
    if (needsMessage) this.#readMessage();
    else if (refusal !== undefined && refusal.isUnknown !== true && this.#content.ended) this.#owner.refuse(refusal);
  }

  /** Decides by the first message, or all of a content in JSON, once it has come. */
  #readMessage(): void {
    const { maxBodyBytes } = this.#context.frameLimits;
    this.#content.release();
    try {
      const head = this.#lane.head!;
      const message = isReadWhole(head)
        ? this.#content.whole(maxBodyBytes)
        : this.#content.firstMessage(maxBodyBytes, head.encoding);
      if (message === undefined) return;
      const { decision, route, refusal, header, ...read } = decideByMessage(this.#lane, message);
      if (route === undefined) this.#owner.refuse(refusal!, decision);
      else this.#owner.lead(decision, route, header, read);
    } catch (error) {
      if (error instanceof ProtocolError) this.#owner.refuse({ reason: "undecodable", message: error.message });
      else if (error instanceof CallError) this.#owner.refuse(error);
      else throw error;
    }
  }

  /** Refuses the call when its request has ended, or after a moment; one to an unknown service in a moment, when it may be known. */
  #hold(refusal: Refusal): void {
    const giveUp = () => {
      if (!this.#owner.over) this.#owner.refuse(refusal);
    };
    const attempt = () => {
      if (this.#owner.over) return true;
      const lane = this.#relane();
      if (lane.refusal !== undefined) return false;
      this.#lane = lane;
      this.start();
      return true;
    };
    if (refusal.isUnknown !== true && this.#content.ended) giveUp();
    else if (!this.#context.unknown.hold({ bytes: 0, attempt, giveUp }, this.#context.nowMs)) giveUp();
  }
}
