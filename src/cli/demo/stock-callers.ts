import type { Value } from "../../codecs/value.ts";
import type { ProviderAddress, ProviderScheme } from "../dubbo/registry.ts";
import { servedBy } from "./consumer.ts";
import { callJson } from "./http-caller.ts";
import { openLink, type SampleLink } from "./links.ts";
import { STOCK_DESCRIPTORS, STOCK_SERVICE, type StockMethod } from "./stock-service.ts";

/** Who calls the REST service of the demo: each as it calls any service. */
export const STOCK_CALLERS = ["Dubbo2", "Triple", "JSON"] as const;

/** One of {@link STOCK_CALLERS}. */
export type StockCaller = (typeof STOCK_CALLERS)[number];

/** Says who provides the stock service by a protocol. */
export type FindStock = (scheme: ProviderScheme) => Promise<readonly ProviderAddress[]>;

const TIMEOUT_MS = 1_000;
const SCHEMES: Readonly<Record<StockCaller, ProviderScheme>> = { Dubbo2: "dubbo", Triple: "tri", JSON: "tri" };

/** Callers of the stock service by three protocols; they know nothing of REST. */
export class StockCallers {
  readonly #find: FindStock;
  readonly #links = new Map<string, Promise<SampleLink>>();
  #turn = 0;

  constructor(find: FindStock) {
    this.#find = find;
  }

  /** Makes a call; what comes back is the label of who answered. Rejects where it failed. */
  async call(caller: StockCaller, method: StockMethod, args: readonly Value[]): Promise<string> {
    const providers = await this.#find(SCHEMES[caller]);
    const provider = providers[this.#turn++ % Math.max(1, providers.length)];
    if (provider === undefined) throw new Error(`no provider of ${STOCK_SERVICE.interface} is listed`);
    if (caller === "JSON") return servedBy(await callJson(provider, STOCK_SERVICE, method, args));
    const key = `${provider.scheme} ${provider.host}:${provider.port}`;
    let link = this.#links.get(key);
    if (link === undefined) {
      link = openLink(provider);
      this.#links.set(key, link);
    }
    const value = await (await link).call({
      ...{ application: "demo-stock-consumer", interface: STOCK_SERVICE.interface, group: "", version: "" },
      ...{ method, args, descriptor: STOCK_DESCRIPTORS[method], attachments: {}, timeoutMs: TIMEOUT_MS },
    });
    return servedBy(value);
  }

  close(): void {
    for (const link of this.#links.values()) link.then((open) => open.close()).catch(() => {});
  }
}
