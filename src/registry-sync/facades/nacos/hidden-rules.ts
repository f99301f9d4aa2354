import { isUtf8 } from "node:buffer";
import { isRecord, listOf, type NacosBody, parseBody, textOf } from "../../../codecs/nacos/body.ts";
import type { ConfigKey } from "../../../codecs/nacos/config.ts";
import { readConfigKey } from "../../../codecs/nacos/config-messages.ts";
import { CONFIG_NOT_FOUND, encodeMessage, failure } from "../../../codecs/nacos/messages.ts";
import { encodePayload, type NacosPayload } from "../../../codecs/nacos/payload.ts";
import { PUBLIC_NAMESPACE } from "../../../codecs/nacos/service-info.ts";
import { routerStem } from "../../dubbo/overrides/config-rules.ts";
import type { PresentContext } from "../../present/context.ts";
import type { Directory } from "../../present/directory.ts";

/** What of a context says which rules are hidden. */
export type RulesContext = Pick<PresentContext, "hidesRouter" | "passesClient">;

/** What {@link HiddenRules} needs. */
export interface HiddenRulesParts {
  readonly context: () => RulesContext;
  /** The namespace that the mesh mirrors, by its id. */
  readonly namespace: string;
  readonly clientAddress: string;
  /** The application that the client says to be; `""` for none. */
  readonly application?: () => string;
  /** Writes to the client's stream. */
  readonly push: (message: Buffer) => void;
}

/** Where Dubbo keeps its rules. */
const GROUP = "dubbo";
const RULES: Directory = { kind: "rules", path: "", name: "" };
/** How the requestIds of pushes begin that no server sent. */
const OUR_PUSH = "trestle-rule-";
/** Rules that one client is known to listen to; of those over it a change of what is hidden is not told. */
const MAX_LISTENED = 10_000;

/** Whether a configuration is a rule of Dubbo's that chooses among providers, whatever its text says. */
export function isRouterConfig({ dataId, group }: ConfigKey): boolean {
  return group === GROUP && routerStem(dataId) !== undefined;
}

/** What was worked out under a context: thousands of clients listen to the same rules. */
const known = new WeakMap<RulesContext, Map<string, boolean>>();

/** Whether a client is to find no such rule: the proxy applies it, and the addresses that it names are not shown. */
export function hidesRule(config: ConfigKey, parts: Omit<HiddenRulesParts, "push">): boolean {
  if (!isRouterConfig(config) || (config.tenant || PUBLIC_NAMESPACE) !== parts.namespace) return false;
  const context = parts.context();
  const answers = known.get(context) ?? new Map<string, boolean>();
  known.set(context, answers);
  let isHidden = answers.get(config.dataId);
  if (isHidden === undefined) {
    isHidden = context.hidesRouter(RULES, config.dataId);
    if (answers.size < MAX_LISTENED) answers.set(config.dataId, isHidden);
  }
  if (!isHidden) return false;
  const application = parts.application?.() ?? "";
  return !context.passesClient({ address: parts.clientAddress, application });
}

interface Listened extends ConfigKey {
  isHidden: boolean;
}

/** Dubbo's routers in the configurations that one gRPC client asks for: what the proxy applies in its place is not there for it. */
export class HiddenRules {
  readonly #parts: HiddenRulesParts;
  readonly #listened = new Map<string, Listened>();
  #context: RulesContext | undefined;
  #pushes = 0;

  constructor(parts: HiddenRulesParts) {
    this.#parts = parts;
  }

  /** The answer to a question for a hidden rule; undefined where the registry is asked. */
  answer(payload: NacosPayload): Buffer | undefined {
    if (payload.type !== "ConfigQueryRequest") return undefined;
    const body = bodyOf(payload);
    const config = body && readConfigKey(body);
    if (config === undefined || !hidesRule(config, this.#parts)) return undefined;
    return encodeMessage(failure(CONFIG_NOT_FOUND, "config data not exist", "ConfigQueryResponse"));
  }

  /** A request as the registry is to get it: hidden rules are not listened to. */
  toServer(message: Buffer, payload: NacosPayload): Buffer {
    const body = payload.type === "ConfigBatchListenRequest" ? bodyOf(payload) : undefined;
    if (body === undefined) return message;
    const contexts = listOf(body, "configListenContexts");
    const shown = contexts.filter((one) => !isRecord(one) || !this.#note(one, body["listen"] !== false));
    if (shown.length === contexts.length) return message;
    return encodePayload({ ...payload, body: JSON.stringify({ ...body, configListenContexts: shown }) });
  }

  /** Other rules may be hidden now: the client asks for those again. */
  contextChanged(): void {
    const context = this.#parts.context();
    if (context === this.#context) return;
    this.#context = context;
    for (const one of this.#listened.values()) {
      const isHidden = hidesRule(one, this.#parts);
      if (isHidden === one.isHidden) continue;
      one.isHidden = isHidden;
      this.#tell(one);
    }
  }

  /** Notes what a client listens to, or no longer; whether it is hidden from it. */
  #note(one: NacosBody, listens: boolean): boolean {
    const config = readConfigKey(one);
    if (config === undefined || !isRouterConfig(config)) return false;
    const key = `${config.tenant}\n${config.dataId}`;
    const isHidden = hidesRule(config, this.#parts);
    if (!listens) this.#listened.delete(key);
    else if (this.#listened.has(key) || this.#listened.size < MAX_LISTENED)
      this.#listened.set(key, { ...config, isHidden });
    // It has one from before, or from another facade.
    if (listens && isHidden && textOf(one, "md5") !== "") this.#tell(config);
    return isHidden;
  }

  #tell({ dataId, group, tenant }: ConfigKey): void {
    const requestId = `${OUR_PUSH}${++this.#pushes}`;
    const body = { headers: {}, dataId, group, tenant, requestId, module: "config" };
    this.#parts.push(encodeMessage({ type: "ConfigChangeNotifyRequest", body }));
  }
}

function bodyOf(payload: NacosPayload): NacosBody | undefined {
  return isUtf8(payload.body) ? parseBody(payload.body) : undefined;
}
