import { type Clock, realClock } from "../../../base/clock.ts";
import type { Logger } from "../../../base/log.ts";
import type { Entry, Finding } from "../../../model/entry.ts";
import type { ServiceSchema } from "../../../model/schema.ts";
import { mergeSchemas } from "../../../registry-sync/merge/merge.ts";
import { createNacosMetadata, type MetadataCentre } from "../../../registry-sync/sources/nacos/metadata.ts";
import type { MetadataConfig } from "../../config/config.ts";

/** What the configured metadata centres are joined from. */
export interface MetadataCentresOptions {
  readonly configs: readonly MetadataConfig[];
  readonly log: Logger;
  /** Told whenever what they say changed, findings included. */
  readonly onChange: () => void;
  readonly clock?: Clock;
  readonly fetch?: typeof fetch;
}

/** The metadata centres of the configuration as one: of two that know one interface's types the first counts. */
export class MetadataCentres {
  readonly #centres: readonly MetadataCentre[];
  readonly #log: Logger;
  #schemas: readonly ServiceSchema[] = [];

  constructor({ configs, log, onChange, clock = realClock, fetch }: MetadataCentresOptions) {
    this.#log = log;
    this.#centres = configs.map((config) => {
      const take = () => {
        this.#merge();
        onChange();
      };
      return createNacosMetadata({ ...config, clock, log, onChange: take, ...(fetch && { fetch }) });
    });
  }

  /** Whether all reports of the providers that are there were read once. */
  get isRead(): boolean {
    return this.#centres.every(({ isRead }) => isRead);
  }

  /** Each interface once; the same array as before while nothing changed. */
  get schemas(): readonly ServiceSchema[] {
    return this.#schemas;
  }

  get findings(): readonly Finding[] {
    return this.#centres.flatMap(({ findings }) => findings);
  }

  /** Other providers are there: their reports count from now on. */
  follow(entries: readonly Entry[]): void {
    for (const centre of this.#centres) centre.follow(entries);
  }

  /** Runs until the signal; never rejects because a server is out of reach. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#centres.map((centre) => centre.run(signal)));
  }

  #merge(): void {
    const before = this.#schemas;
    this.#schemas = mergeSchemas(this.#centres, before);
    if (before !== this.#schemas)
      this.#log.info("types of calls taken up from metadata centres", { services: this.#schemas.length });
  }
}
