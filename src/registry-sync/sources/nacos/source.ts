import { type Clock, realClock, type Timer } from "../../../base/clock.ts";
import { Latest } from "../../../base/latest.ts";
import { type Logger, silentLogger } from "../../../base/log.ts";
import { DEFAULT_GROUP, type NacosServiceInfo, PUBLIC_NAMESPACE } from "../../../codecs/nacos/service-info.ts";
import type { Finding, World } from "../../../model/entry.ts";
import { type AskMetadata, createRevisions, type Revisions } from "../../application/revisions.ts";
import type { Source, SourceStatus } from "../../contracts.ts";
import { finding } from "../../findings.ts";
import { parseServer, type ServerAddress } from "../zookeeper/address.ts";
import { createConfigs, type NacosConfigs } from "./configs-of-world.ts";
import { followServers, type NacosApi } from "./follow-servers.ts";
import { createNacosHttp, type NacosHttp } from "./http.ts";
import { type MirrorFaults, NamingMirror } from "./mirror.ts";
import { DEFAULT_NACOS_LIMITS, type NacosLimits } from "./service-book.ts";
import { type OpenTransport, openGrpcTransport } from "./transport.ts";
import { createNacosWorld, type NacosWorld } from "./world.ts";

/** Settings of {@link createNacosSource}. */
export interface NacosSourceOptions {
  /** The registry's name; origin of its endpoints. */
  readonly name: string;
  /** Its servers as `host:port`, the main port (8848); all of one cluster. */
  readonly hosts: readonly string[];
  /** `/nacos` unless told; empty for none. */
  readonly contextPath?: string;
  /** Id of the namespace; `public` unless told. */
  readonly namespace?: string;
  /** `DEFAULT_GROUP` unless told. */
  readonly groups?: readonly string[];
  /** Instances of other clusters are left out; none for all. */
  readonly clusters?: readonly string[];
  /** `grpc` for 2.x and later, `http` for 1.x; `auto` unless told: gRPC where its port answers. */
  readonly api?: NacosApi;
  readonly auth?: { readonly username: string; readonly password: string };
  /** Whether an address is one of Trestle's own; such a provider is refused. */
  readonly isOwnAddress?: (address: string, port: number) => boolean;
  /** Dubbo's protocols that are led through the proxy; Dubbo2 alone unless told. */
  readonly protocols?: readonly string[];
  /** Asks application-level instances what they offer; without it the registry's configurations alone are asked. */
  readonly askMetadata?: AskMetadata;
  /** What is more is left out, with a finding. */
  readonly limits?: Partial<NacosLimits>;
  /** Opens a gRPC connection; over TCP unless a test has it otherwise. */
  readonly openTransport?: OpenTransport;
  readonly fetch?: typeof fetch;
  /** Told whenever the registry comes within reach or is lost. */
  readonly onConnected?: (connected: boolean) => void;
  /** Told what keeps the registry from being read, whenever that changes; each time all of it. */
  readonly onFindings?: (findings: readonly Finding[]) => void;
  readonly clock?: Clock;
  readonly log?: Logger;
}

/** Changes that come within this time are taken up together, ms. */
const GATHER_MS = 5;
/** How long the first world waits for rules, metadata reports and revisions, ms: calls before them would be made without their types. */
const HOLD_MS = 2_000;

/**
 * A Nacos as a source: 2.x and later by gRPC with pushes, 1.x by HTTP with polling. Each `watch` has connections of its own, which only
 * read. Yields nothing before all was read once, and nothing while no server can be reached: what was known stands. Throws
 * `ConfigError` for addresses that can't be.
 */
export function createNacosSource(options: NacosSourceOptions): Source {
  const servers = options.hosts.map(parseServer);
  const standing: Standing = { state: "connecting", errors: 0, lastError: undefined };
  return {
    name: options.name,
    status: () => {
      const { state, errors, lastError } = standing;
      return { state, errors, ...(lastError !== undefined && { lastError }) };
    },
    watch: (signal, onDisturbed) => watch(options, servers, standing, signal, onDisturbed),
  };
}

/** What the source says of itself: losses of its server, rounds in which none could be reached, and lists that were denied, are errors. */
interface Standing {
  state: SourceStatus["state"];
  errors: number;
  lastError: string | undefined;
}

async function* watch(
  options: NacosSourceOptions,
  servers: readonly ServerAddress[],
  standing: Standing,
  signal: AbortSignal,
  onDisturbed: (() => void) | undefined,
): AsyncIterable<World> {
  const ending = new AbortController();
  const onAbort = () => ending.abort();
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  const watching = new Watching(options);
  const { name, api = "auto", clock = realClock, log = silentLogger } = options;
  let isConnected = false;
  let wasLost = false;
  const running = followServers(
    {
      ...{ name, servers, api, clock, log, http: watching.http, mirror: watching.mirror },
      namespace: options.namespace || PUBLIC_NAMESPACE,
      openTransport: options.openTransport ?? openGrpcTransport,
      onConnected: (connected, reason) => {
        if (!connected) {
          standing.errors++;
          standing.lastError = reason;
        }
        if (isConnected === connected) return;
        isConnected = connected;
        wasLost ||= !connected;
        standing.state = connected ? "connected" : "lost";
        if (wasLost) onDisturbed?.();
        options.onConnected?.(connected);
      },
      onDenied: (reason) => {
        standing.errors++;
        standing.lastError = reason;
        watching.denied(reason);
      },
      onPush: (message) => watching.configs.push(message),
      onDoubt: (type) => watching.configs.doubt(type),
      onConnection: (connection) => watching.configs.runGrpc(connection, ending.signal),
      onHttp: (given) => watching.configs.runHttp(given),
    },
    ending.signal,
  );
  try {
    for await (const world of watching.latest.watch(signal)) if (world !== undefined) yield world;
  } finally {
    ending.abort();
    signal.removeEventListener("abort", onAbort);
    watching.close();
    options.onFindings?.([]);
    await running;
  }
}

/** What one watch keeps. */
class Watching {
  readonly latest = new Latest<World | undefined>(undefined);
  readonly http: NacosHttp;
  readonly mirror: NamingMirror;
  readonly configs: NacosConfigs;
  readonly #options: NacosSourceOptions;
  readonly #clock: Clock;
  readonly #world: NacosWorld;
  readonly #revisions: Revisions;
  #services = new Map<string, NacosServiceInfo | undefined>();
  #rules = new Map<string, string | undefined>();
  #applications = new Set<string>();
  #timer: Timer | undefined;
  #built: World | undefined;
  #faults: readonly Finding[] = [];
  #denied = "";
  #holdUntilMs: number | undefined;

  constructor(options: NacosSourceOptions) {
    const { name, hosts, contextPath = "/nacos", auth, clock = realClock, log = silentLogger } = options;
    this.#options = options;
    this.#clock = clock;
    this.http = createNacosHttp({
      ...{ hosts, contextPath, clock, username: auth?.username ?? "", password: auth?.password ?? "" },
      ...(options.fetch && { fetch: options.fetch }),
    });
    this.#revisions = createRevisions({
      read: (application, revision, signal) => this.configs.revision(application, revision, signal),
      ...(options.askMetadata && { ask: options.askMetadata }),
      onChange: (applications) => {
        for (const application of applications) this.#applications.add(application);
        this.#gather();
      },
      clock,
    });
    this.#world = createNacosWorld({
      name,
      revisions: this.#revisions,
      ...(options.isOwnAddress && { isOwnAddress: options.isOwnAddress }),
      ...(options.protocols && { protocols: options.protocols }),
    });
    this.mirror = new NamingMirror({
      groups: options.groups === undefined || options.groups.length === 0 ? [DEFAULT_GROUP] : options.groups,
      clusters: options.clusters ?? [],
      limits: { ...DEFAULT_NACOS_LIMITS, ...options.limits },
      clock,
      onService: (key, info) => {
        this.#services.set(key, info);
        this.#gather();
      },
      onRound: () => {
        this.denied("");
        this.#takeFaults();
        if (this.#built === undefined) this.#gather();
      },
    });
    this.configs = createConfigs({
      ...{ name, http: this.http, clock, log, namespace: options.namespace ?? "" },
      onRules: (rules) => {
        for (const [dataId, text] of rules) this.#rules.set(dataId, text);
        this.#gather();
      },
      onReports: () => this.#gather(true),
    });
  }

  /** The server lets nobody read the names of services; empty where it does. */
  denied(reason: string): void {
    if (this.#denied === reason) return;
    this.#denied = reason;
    const { name, hosts } = this.#options;
    const advice = /refuses|denies/.test(reason) ? "check username, password and their rights" : "it is asked on";
    const message = `registry ${name} does not list its services (${reason}); what was known of it stays as it was: ${advice}`;
    this.#options.onFindings?.(reason === "" ? [] : [finding("TR0105", message, hosts.join())]);
  }

  close(): void {
    this.#timer?.cancel();
    this.#revisions.close();
    this.configs.close();
    this.latest.close();
  }

  /** Takes up soon what came. */
  #gather(isOther = false): void {
    if (isOther) this.#built = undefined;
    this.#timer ??= this.#clock.after(GATHER_MS, () => {
      this.#timer = undefined;
      this.#takeUp();
    });
  }

  #takeUp(): void {
    const services = this.#services;
    const rules = this.#rules;
    const revisions = this.#applications;
    this.#services = new Map();
    this.#rules = new Map();
    this.#applications = new Set();
    const world = this.#world.update({ services, rules, revisions });
    if (!this.mirror.isRead) return;
    this.configs.follow(world.entries);
    this.#holdUntilMs ??= this.#clock.now() + HOLD_MS;
    const isBehind = !this.configs.isRead || this.#revisions.pending > 0;
    if (this.latest.get() === undefined && isBehind && this.#clock.now() < this.#holdUntilMs) {
      this.#gather();
      return;
    }
    if (world === this.#built) return;
    this.#built = world;
    const { schemas, findings } = this.configs;
    const more = [...this.#faults, ...findings];
    const isPlain = schemas.length === 0 && more.length === 0;
    this.latest.set(isPlain ? world : Object.freeze({ ...world, schemas, findings: [...world.findings, ...more] }));
  }

  #takeFaults(): void {
    const faults = faultFindings(this.#options.name, this.mirror.faults);
    if (JSON.stringify(faults) === JSON.stringify(this.#faults)) return;
    this.#faults = faults;
    this.#gather(true);
  }
}

function faultFindings(name: string, { overServices, refused, reason, leftOut }: MirrorFaults): readonly Finding[] {
  const findings: Finding[] = [];
  const tell = (code: "TR0104" | "TR0106" | "TR0107", message: string) =>
    findings.push(finding(code, `registry ${name} ${message}`, name));
  if (overServices > 0) tell("TR0104", `holds ${overServices} services more than are read`);
  if (leftOut.over > 0)
    tell("TR0104", `holds ${leftOut.over} instances more than are read, such as of ${leftOut.example}`);
  if (refused > 0) tell("TR0106", `does not give ${refused} of its services: ${reason}`);
  if (leftOut.unreadable > 0)
    tell("TR0107", `holds ${leftOut.unreadable} instances that cannot be read, such as of ${leftOut.example}`);
  return findings;
}
