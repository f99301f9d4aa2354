import type { ServerResponse } from "node:http";
import type { Clock } from "../../../base/clock.ts";
import {
  type ConfigKey,
  type Listening,
  parseListening,
  printChanged,
  printListening,
} from "../../../codecs/nacos/config.ts";
import { isRouterConfig } from "./hidden-rules.ts";
import type { HttpClient } from "./http-client.ts";
import type { Answer } from "./http-upstream.ts";

/** What {@link HttpRules} needs. */
export interface HttpRulesParts {
  readonly clock: Pick<Clock, "after">;
  /** Whether a client is to find no such rule. */
  readonly hides: (config: ConfigKey, client: HttpClient) => boolean;
}

/** A request for configurations. */
export interface RulesAsked {
  readonly method: string;
  /** Path below the API's root. */
  readonly base: string;
  readonly query: URLSearchParams;
  readonly body: Buffer;
  readonly client: HttpClient;
  /** How long an answer may be held back, as the client says it; undefined where it says nothing. */
  readonly holdMs: string | undefined;
  readonly response: ServerResponse;
}

/** How requests go on to the registry. */
export interface RulesForward {
  /** Asks for the whole answer. */
  fetch(body: Buffer): Promise<Answer>;
  reply(answer: Answer): void;
}

interface Waiting {
  readonly rules: readonly ConfigKey[];
  readonly client: HttpClient;
  /** Which of them were hidden when it began. */
  readonly hidden: ReadonlySet<ConfigKey>;
  readonly end: (changed: readonly ConfigKey[]) => void;
}

const QUERY_V1 = "/v1/cs/configs";
const QUERY_V2 = "/v2/cs/config";
const LISTENER = "/v1/cs/configs/listener";
const FIELD = "Listening-Configs";
const NOT_THERE = "config data not exist";
/** How long Nacos holds an answer back unless told, and what it answers earlier than that, ms. */
const HOLD_MS = 30_000;
const EARLY_MS = 500;
const MAX_HOLD_MS = 90_000;

/** Dubbo's routers in what clients ask for by HTTP: what the proxy applies in their place is not there for them. */
export class HttpRules {
  readonly #parts: HttpRulesParts;
  readonly #waiting = new Set<Waiting>();

  constructor(parts: HttpRulesParts) {
    this.#parts = parts;
  }

  /** Answers a request that is about hidden rules; false for one that is to pass as it is. Throws what `fetch` throws. */
  async serve(asked: RulesAsked, forward: RulesForward): Promise<boolean> {
    const { method, base, query, client, response } = asked;
    if (method === "POST" && base === LISTENER) return this.#listen(asked, forward);
    if (method !== "GET" || (base !== QUERY_V1 && base !== QUERY_V2)) return false;
    const word = (...names: readonly string[]) => names.map((name) => query.get(name)).find((one) => one) ?? "";
    const config = { dataId: word("dataId"), group: word("group"), tenant: word("tenant", "namespaceId") };
    if (!this.#parts.hides(config, client)) return false;
    if (base === QUERY_V1) send(response, 404, "text/html;charset=UTF-8", NOT_THERE);
    else {
      const body = { code: 20_004, message: "resource not found", data: NOT_THERE };
      send(response, 404, "application/json", JSON.stringify(body));
    }
    return true;
  }

  /** Other rules may be hidden now: who listens to them is answered. */
  contextChanged(): void {
    for (const { rules, hidden, client, end } of [...this.#waiting]) {
      const changed = rules.filter((one) => this.#parts.hides(one, client) !== hidden.has(one));
      if (changed.length > 0) end(changed);
    }
  }

  async #listen({ body, client, holdMs, response }: RulesAsked, forward: RulesForward): Promise<boolean> {
    const form = new URLSearchParams(body.toString("utf8"));
    const list = parseListening(form.get(FIELD) ?? "");
    const rules = list.filter(isRouterConfig);
    if (rules.length === 0) return false;
    const hidden = new Set<Listening>(rules.filter((one) => this.#parts.hides(one, client)));
    const answer = (changed: readonly ConfigKey[]) =>
      send(response, 200, "text/plain;charset=UTF-8", changed.length === 0 ? "" : printChanged(changed));
    // They were shown before, or by another facade.
    const stale = [...hidden].filter(({ md5 }) => md5 !== "");
    if (stale.length > 0) {
      answer(stale);
      return true;
    }
    const shown = list.filter((one) => !hidden.has(one));
    form.set(FIELD, printListening(shown));
    let stop: () => void = () => {};
    const changed = new Promise<readonly ConfigKey[]>((resolve) => {
      const waiting: Waiting = { rules, client, hidden, end: resolve };
      // Of rules alone that are hidden nothing is heard but this.
      const timer = shown.length === 0 ? this.#parts.clock.after(holdOf(holdMs), () => resolve([])) : undefined;
      this.#waiting.add(waiting);
      stop = () => {
        this.#waiting.delete(waiting);
        timer?.cancel();
        resolve([]);
      };
      response.once("close", stop);
    });
    try {
      const said = shown.length === 0 ? undefined : forward.fetch(Buffer.from(form.toString()));
      said?.catch(() => {});
      const first = await (said === undefined ? changed : Promise.race([changed, said]));
      if ("status" in first) forward.reply(first);
      else if (!response.destroyed) answer(first);
    } finally {
      stop();
    }
    return true;
  }
}

function holdOf(said: string | undefined): number {
  const ms = Number(said ?? HOLD_MS);
  return Math.min(Number.isFinite(ms) && ms > EARLY_MS ? ms - EARLY_MS : 0, MAX_HOLD_MS);
}

function send(response: ServerResponse, status: number, type: string, text: string): void {
  response.writeHead(status, { "content-type": type }).end(text);
}
