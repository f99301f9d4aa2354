/** A metadata centre in Nacos: the reports of the providers that registries know, read and followed. */
import type { Clock } from "../../../base/clock.ts";
import type { Logger } from "../../../base/log.ts";
import { reportDataId } from "../../../codecs/nacos/report-id.ts";
import type { Entry, Finding } from "../../../model/entry.ts";
import type { ServiceSchema } from "../../../model/schema.ts";
import { finding } from "../../findings.ts";
import { MAX_DEFINITION_BYTES } from "../metadata-definition.ts";
import { createMetadataReports, type MetadataReports } from "../metadata-reports.ts";
import { type ConfigWatch, createConfigWatch } from "./configs.ts";
import { createNacosHttp, type NacosHttpOptions } from "./http.ts";

/** A place where providers leave what they say of their interfaces' types, beside the registries. */
export interface MetadataCentre {
  readonly name: string;
  /** Other providers are there: their reports count from now on. */
  follow(entries: readonly Entry[]): void;
  /** Whether the reports of all providers that it follows were read once. */
  readonly isRead: boolean;
  /** Sorted by name, each interface once; the same array as before while nothing changed. */
  readonly schemas: readonly ServiceSchema[];
  readonly findings: readonly Finding[];
  /** Runs until the signal; never rejects because the server is out of reach: what was known stays. */
  run(signal: AbortSignal): Promise<void>;
}

/** Settings of {@link createNacosMetadata}. */
export interface NacosMetadataOptions extends Omit<NacosHttpOptions, "clock"> {
  /** Named in logs and findings. */
  readonly name: string;
  /** `dubbo`, where providers have no other. */
  readonly group: string;
  /** Id of the namespace; empty for `public`. */
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told whenever what it says changed. */
  readonly onChange: () => void;
}

/** Creates a metadata centre in Nacos 1.x or later; nothing is asked before `run`. */
export function createNacosMetadata(options: NacosMetadataOptions): MetadataCentre {
  return new NacosMetadata(options);
}

class NacosMetadata implements MetadataCentre {
  readonly name: string;
  readonly #options: NacosMetadataOptions;
  readonly #reports: MetadataReports;
  readonly #watch: ConfigWatch;
  #entries: readonly Entry[] | undefined;
  #lost: readonly Finding[] = [];

  constructor(options: NacosMetadataOptions) {
    const { name, group, namespace, clock, log, hosts, onChange } = options;
    this.name = name;
    this.#options = options;
    const what = `metadata centre ${name}`;
    this.#reports = createMetadataReports({ name: what, top: name, keyOf: reportDataId, foldersOf: () => [] });
    this.#watch = createConfigWatch({
      ...{ what, group, clock, log, maxBytes: MAX_DEFINITION_BYTES },
      http: createNacosHttp(options),
      // Its clients leave the default one out.
      tenant: namespace === "public" ? "" : namespace,
      onTexts: (texts) => this.#take(texts, new Set(texts.keys())),
      onLost: (reason) => {
        const message = `${what} is out of reach (${reason}); what was known of it stays as it was`;
        // It is lost anew at each try.
        if (reason !== undefined && this.#lost[0]?.message === message) return;
        this.#lost = reason === undefined ? [] : [finding("TR0161", message, hosts.join())];
        onChange();
      },
    });
  }

  get isRead(): boolean {
    return this.#entries !== undefined && this.#watch.isRead;
  }

  get schemas(): readonly ServiceSchema[] {
    return this.#reports.schemas;
  }

  get findings(): readonly Finding[] {
    return [...this.#lost, ...this.#reports.findings];
  }

  follow(entries: readonly Entry[]): void {
    if (entries === this.#entries) return;
    this.#entries = entries;
    const changed = this.#reports.follow(entries);
    this.#watch.follow(this.#reports.wanted());
    this.#take(new Map(), new Set(changed));
  }

  run(signal: AbortSignal): Promise<void> {
    return this.#watch.run(signal);
  }

  /** All at once: they come a few at a time. */
  #take(texts: ReadonlyMap<string, { readonly data: Buffer | null }>, changed: ReadonlySet<string>): void {
    let isOther = this.#reports.take(texts, changed);
    while (this.#reports.isBehind) isOther = this.#reports.take(texts, new Set()) || isOther;
    if (isOther) this.#options.onChange();
  }
}
