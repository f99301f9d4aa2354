import type { Clock, Timer } from "../../../base/clock.ts";
import type { Logger } from "../../../base/log.ts";
import type { NacosMessage } from "../../../codecs/nacos/messages.ts";
import { reportDataId } from "../../../codecs/nacos/report-id.ts";
import type { Entry, Finding } from "../../../model/entry.ts";
import type { ServiceSchema } from "../../../model/schema.ts";
import { finding } from "../../findings.ts";
import { MAX_DEFINITION_BYTES } from "../metadata-definition.ts";
import { createMetadataReports, type MetadataReports } from "../metadata-reports.ts";
import { type ConfigWatch, createConfigWatch } from "./configs.ts";
import { FollowedTexts } from "./followed-texts.ts";
import { createGrpcConfigs, type GrpcConfigs, queryText } from "./grpc-configs.ts";
import type { NacosHttp } from "./http.ts";
import { readText } from "./http-text.ts";
import type { NacosConnection } from "./session.ts";

/** What a registry's own configurations say of its services: Dubbo's rules, and the providers' metadata reports. */
export interface NacosConfigs {
  /** Other services and providers are there: their configurations count from now on. */
  follow(entries: readonly Entry[]): void;
  /** Whether all was read once that is followed since it was looked through last. */
  readonly isRead: boolean;
  readonly schemas: readonly ServiceSchema[];
  readonly findings: readonly Finding[];
  /** What a revision of an application offers, where its instances left that; undefined where they did not. Rejects with `TransientError`. */
  revision(application: string, revision: string, signal: AbortSignal): Promise<string | undefined>;
  /** Follows them over a gRPC connection until it is lost or the signal; never rejects: what was known stays. */
  runGrpc(connection: NacosConnection, signal: AbortSignal): Promise<void>;
  /** Follows them over HTTP until the signal; never rejects. */
  runHttp(signal: AbortSignal): Promise<void>;
  /** A push that came over gRPC. */
  push(message: NacosMessage): void;
  /** A push of this type that cannot be read. */
  doubt(type: string): void;
  close(): void;
}

/** Settings of {@link createConfigs}. */
export interface NacosConfigsOptions {
  /** The registry's name. */
  readonly name: string;
  readonly http: NacosHttp;
  /** Id of the namespace; empty, or `public`, for the one without. */
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Told rules that came, changed or (undefined) went, by data id. */
  readonly onRules: (rules: ReadonlyMap<string, string | undefined>) => void;
  /** Told whenever schemas or findings changed. */
  readonly onReports: () => void;
}

/** Where Dubbo keeps rules and reports. */
const GROUP = "dubbo";
/** Endings of the data ids of an application's rules, and of a service's. */
const OF_APPLICATION = ["configurators", "condition-router", "tag-router", "script-router", "MESHAPPRULE"];
const OF_SERVICE = ["configurators", "condition-router"];
/** Rules that are listened to, the most. */
const MAX_RULES = 50_000;
/** What is followed is looked through no more often than this, ms: it is a look at every entry. */
const FOLLOW_MS = 1_000;

/** What a server pushes when a configuration changed. */
const CHANGED = "ConfigChangeNotifyRequest";

/** Creates it; nothing is asked before it runs, one way or the other. */
export function createConfigs(options: NacosConfigsOptions): NacosConfigs {
  return new Configs(options);
}

/**
 * The data ids of all rules that can rule these entries: of each application that provides one of them, and of each service,
 * `interface:version:group` with the colons of what is empty; version `0.0.0` is none, and may be written.
 */
export function ruleDataIds(entries: readonly Entry[]): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const entry of entries) {
    for (const id of idsOf(entry)) {
      if (ids.size >= MAX_RULES) return ids;
      ids.add(id);
    }
  }
  return ids;
}

/** Those of entries that were looked at: most are the same from one world to the next. */
const idsByEntry = new WeakMap<Entry, readonly string[]>();

function idsOf(entry: Entry): readonly string[] {
  const known = idsByEntry.get(entry);
  if (known !== undefined) return known;
  const ids = dataIdsFor(entry);
  idsByEntry.set(entry, ids);
  return ids;
}

function dataIdsFor({ service, endpoints }: Entry): readonly string[] {
  const applications = new Set<string>();
  let isDubbo = false;
  for (const { params } of endpoints) {
    const application = params["application"];
    isDubbo ||= params["interface"] !== undefined || application !== undefined;
    if (application !== undefined && application !== "") applications.add(application);
  }
  if (!isDubbo) return [];
  const named = (stem: string, kinds: readonly string[]) => kinds.map((kind) => `${stem}.${kind}`.replaceAll("/", "-"));
  const versions = service.version === "" ? ["", "0.0.0"] : [service.version];
  return [
    ...[...applications].flatMap((application) => named(application, OF_APPLICATION)),
    ...versions.flatMap((version) => named(`${service.interface}:${version}:${service.group}`, OF_SERVICE)),
  ];
}

/** Where a revision's MetadataInfo may be: as Java leaves it (seen of 3.2.18 and 3.3.6) and Go; and as Go before 3.1 did. */
function revisionKeys(application: string, revision: string): readonly { dataId: string; group: string }[] {
  return [
    { dataId: application.replaceAll("/", "-"), group: revision },
    { dataId: `${application}:${revision}`.replaceAll("/", "-"), group: GROUP },
  ];
}

class Configs implements NacosConfigs {
  readonly #options: NacosConfigsOptions;
  readonly #reports: MetadataReports;
  /** What both ways of reading follow. */
  readonly #texts = new FollowedTexts();
  readonly #http: ConfigWatch;
  readonly #grpc: GrpcConfigs;
  /** The way that they are followed now, or were last. */
  #way: Pick<ConfigWatch, "isRead"> | undefined;
  #connection: NacosConnection | undefined;
  #entries: readonly Entry[] | undefined;
  #followed: readonly Entry[] | undefined;
  #rules: ReadonlySet<string> = new Set();
  #timer: Timer | undefined;
  #lost: readonly Finding[] = [];

  constructor(options: NacosConfigsOptions) {
    const { name, http, namespace, clock, log } = options;
    this.#options = options;
    this.#reports = createMetadataReports({
      ...{ name: `registry ${name}`, top: name, keyOf: reportDataId, foldersOf: () => [] },
    });
    const shared = {
      ...{ what: `configurations of registry ${name}`, group: GROUP, clock, log, maxBytes: MAX_DEFINITION_BYTES },
      texts: this.#texts,
      tenant: namespace === "public" ? "" : namespace,
      onTexts: (texts: ReadonlyMap<string, { readonly data: Buffer | null }>) => this.#take(texts),
      onLost: (reason: string | undefined) => {
        const message = `the configurations of registry ${name} are out of reach (${reason}); what was known of them stays as it was`;
        if (this.#lost[0]?.message === (reason === undefined ? undefined : message)) return;
        this.#lost = reason === undefined ? [] : [finding("TR0161", message, name)];
        options.onReports();
      },
    };
    this.#http = createConfigWatch({ ...shared, http });
    this.#grpc = createGrpcConfigs(shared);
  }

  get isRead(): boolean {
    return this.#followed !== undefined && this.#way?.isRead === true;
  }

  get schemas(): readonly ServiceSchema[] {
    return this.#reports.schemas;
  }

  get findings(): readonly Finding[] {
    return this.#lost.length === 0 ? this.#reports.findings : [...this.#lost, ...this.#reports.findings];
  }

  follow(entries: readonly Entry[]): void {
    if (entries === this.#entries) return;
    this.#entries = entries;
    if (this.#timer !== undefined) return;
    this.#followNow();
    this.#timer = this.#options.clock.after(FOLLOW_MS, () => {
      this.#timer = undefined;
      if (this.#entries !== this.#followed) this.#followNow();
    });
  }

  async revision(application: string, revision: string, signal: AbortSignal): Promise<string | undefined> {
    const { http, namespace } = this.#options;
    const tenant = namespace === "public" ? "" : namespace;
    for (const key of revisionKeys(application, revision)) {
      const found =
        this.#connection?.isOpen === true
          ? (await queryText(this.#connection, { ...key, tenant }))?.content
          : await readText(http, { ...key, tenant }, signal);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  async runGrpc(connection: NacosConnection, signal: AbortSignal): Promise<void> {
    this.#connection = connection;
    this.#way = this.#grpc;
    await this.#grpc.run(connection, signal);
  }

  async runHttp(signal: AbortSignal): Promise<void> {
    this.#way = this.#http;
    await this.#http.run(signal);
  }

  push(message: NacosMessage): void {
    if (message.type === CHANGED) this.#grpc.push(message);
  }

  doubt(type: string): void {
    if (type === CHANGED) this.#grpc.doubt();
  }

  close(): void {
    this.#timer?.cancel();
  }

  #followNow(): void {
    const entries = this.#entries ?? [];
    const isFirst = this.#followed === undefined;
    this.#followed = entries;
    const before = this.#rules;
    this.#rules = ruleDataIds(entries);
    const changed = this.#reports.follow(entries);
    const gone = [...before].filter((dataId) => !this.#rules.has(dataId));
    // With none gone, as many are the same ones.
    if (isFirst || changed.length > 0 || gone.length > 0 || before.size !== this.#rules.size)
      this.#texts.follow([...this.#rules, ...this.#reports.wanted()]);
    if (gone.length > 0) this.#options.onRules(new Map(gone.map((dataId) => [dataId, undefined])));
    this.#takeReports(new Map(), new Set(changed));
  }

  #take(texts: ReadonlyMap<string, { readonly data: Buffer | null }>): void {
    const rules = new Map<string, string | undefined>();
    for (const [dataId, { data }] of texts)
      if (this.#rules.has(dataId)) rules.set(dataId, data?.toString() ?? undefined);
    if (rules.size > 0) this.#options.onRules(rules);
    if (rules.size < texts.size) this.#takeReports(texts, new Set(texts.keys()));
  }

  #takeReports(texts: ReadonlyMap<string, { readonly data: Buffer | null }>, changed: ReadonlySet<string>): void {
    let isOther = this.#reports.take(texts, changed);
    // Texts are given once, a few at a time: those that wait are taken up from them.
    while (this.#reports.isBehind) isOther = this.#reports.take(texts, new Set()) || isOther;
    if (isOther) this.#options.onReports();
  }
}
