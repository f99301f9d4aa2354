import { type Clock, realClock, type Timer } from "../../../base/clock.ts";
import { ConfigError } from "../../../base/errors.ts";
import { Latest } from "../../../base/latest.ts";
import { type Logger, silentLogger } from "../../../base/log.ts";
import { pathFault } from "../../../codecs/zookeeper/paths.ts";
import { isZooKeeperError } from "../../../codecs/zookeeper/status.ts";
import type { Finding, World } from "../../../model/entry.ts";
import { type AskMetadata, createRevisions } from "../../application/revisions.ts";
import type { Source } from "../../contracts.ts";
import { finding } from "../../findings.ts";
import { createMetadataReports, type MetadataReports } from "../metadata-reports.ts";
import { parseServer } from "./address.ts";
import { DEFAULT_ROOTS, dubboChanges, dubboPlan } from "./dubbo-plan.ts";
import type { LinkOptions, ServerLink } from "./link.ts";
import { metadataNodes } from "./metadata.ts";
import { ZooKeeperSession } from "./session.ts";
import { springChanges, springPlan } from "./spring-plan.ts";
import { watchTree } from "./tree-watch.ts";
import { createZookeeperWorld } from "./world.ts";

/** Settings of {@link createZookeeperSource}. */
export interface ZookeeperSourceOptions {
  /** The registry's name; origin of its endpoints. */
  readonly name: string;
  /** Its servers as `host:port`; all of one ensemble. */
  readonly hosts: readonly string[];
  /** Prefix of every path; empty for none. */
  readonly chroot?: string;
  /** Where Dubbo keeps its interfaces; `/dubbo` unless told. */
  readonly root?: string;
  /** Where application-level instances and those of Spring Cloud are; `/services` unless told. */
  readonly services?: string;
  /** Where more instances of Spring Cloud are, beside `services`. */
  readonly springRoots?: readonly string[];
  /** Asks application-level instances what they offer; without it the metadata centre alone is asked. */
  readonly askMetadata?: AskMetadata;
  readonly auth?: { readonly username: string; readonly password: string };
  /** Whether an address is one of Trestle's own; such a provider is refused. */
  readonly isOwnAddress?: (address: string, port: number) => boolean;
  /** Protocols that are led through the proxy; Dubbo2 alone unless told. */
  readonly protocols?: readonly string[];
  readonly sessionTimeoutMs?: number;
  /** Opens a connection; over TCP unless a test has it otherwise. */
  readonly openLink?: (options: LinkOptions) => ServerLink;
  /** Told whenever the connection to the registry comes or goes. */
  readonly onConnected?: (connected: boolean) => void;
  /** Told what keeps the registry from being read, whenever that changes; each time all of it. */
  readonly onFindings?: (findings: readonly Finding[]) => void;
  readonly clock?: Clock;
  readonly log?: Logger;
}

/** A ZooKeeper registry as a source. */
export interface ZookeeperSource extends Source {
  /** Whether the registry is within reach of the latest `watch`. */
  connected(): boolean;
}

/** How long the first world waits for the providers' metadata reports, ms: calls before them would be made without their types. */
const HOLD_MS = 2_000;

/**
 * A ZooKeeper registry as a source. Each `watch` has a session of its own, which only reads and watches. Yields nothing before all
 * was read once, which the registry's root must allow, and nothing while no server can be reached. Throws `ConfigError` for addresses and paths that can't be.
 */
export function createZookeeperSource(options: ZookeeperSourceOptions): ZookeeperSource {
  const { clock = realClock, log = silentLogger, name } = options;
  const servers = options.hosts.map(parseServer);
  const chroot = cleanPath(options.chroot ?? "", "chroot");
  const roots = {
    root: cleanPath(options.root ?? DEFAULT_ROOTS.root, "root"),
    services: cleanPath(options.services ?? DEFAULT_ROOTS.services, "services"),
  };
  if (roots.root === "" || roots.services === "") throw new ConfigError("root", "ZooKeeper root must not be /");
  const others = (options.springRoots ?? []).map((path) => cleanPath(path, "services"));
  if (others.includes("")) throw new ConfigError("services", "ZooKeeper services must not be /");
  const springRoots = [...new Set([roots.services, ...others])];
  const springPlanned = springPlan(springRoots);
  let current: ZooKeeperSession | undefined;
  let wasConnected = false;
  /** How often a session was lost, and a server was tried and not to be had. */
  let errors = 0;
  return {
    name,
    connected: () => current?.state === "connected",
    status: () => ({
      state: current?.state === "connected" ? "connected" : wasConnected ? "lost" : "connecting",
      errors,
      ...(current?.lastError !== undefined && { lastError: current.lastError }),
    }),
    async *watch(signal, onDisturbed) {
      const session = new ZooKeeperSession({
        servers,
        chroot,
        auth: options.auth,
        ...(options.sessionTimeoutMs !== undefined && { sessionTimeoutMs: options.sessionTimeoutMs }),
        ...(options.openLink !== undefined && { openLink: options.openLink }),
        onFailed: () => void errors++,
        clock,
        log,
      });
      current = session;
      let wasLost = false;
      session.onState((state) => {
        wasLost ||= state === "suspended" || state === "expired";
        if (wasLost) onDisturbed?.();
        if (state === "connected") wasConnected = true;
        else if (state === "suspended" || state === "expired") errors++;
        options.onConnected?.(state === "connected");
      });
      const reports = createMetadataReports(metadataNodes(`${roots.root}/metadata`, name));
      const dubboPlanned = dubboPlan(roots, reports);
      const live = watchTree(session, {
        roots: [...new Set([...Object.values(roots), ...springRoots])],
        needed: [roots.root],
        plan: (path) => dubboPlanned(path) ?? springPlanned(path),
        onDenied: (paths) => options.onFindings?.(deniedFindings(name, chroot, roots.root, paths)),
        clock,
        log,
      });
      const { isOwnAddress, protocols, askMetadata } = options;
      const revisions = createRevisions({
        read: (application, revision) => readText(session, `${roots.root}/metadata/${application}/${revision}`),
        ...(askMetadata && { ask: askMetadata }),
        onChange: (applications) => takeUp(new Set(), applications),
        clock,
      });
      const state = createZookeeperWorld({
        name,
        services: roots.services,
        revisions,
        ...(isOwnAddress && { isOwnAddress }),
        ...(protocols && { protocols }),
      });
      const latest = new Latest<World | undefined>(undefined);
      let known: World | undefined;
      let behind: Timer | undefined;
      let holdUntilMs: number | undefined;
      const takeUp = (changed: ReadonlySet<string>, applications: ReadonlySet<string> = new Set()): void => {
        const hasNewTypes = reports.take(live.tree, changed);
        const spring = springChanges(springRoots, live.tree, changed);
        const world = state.update({ ...dubboChanges(roots, live.tree, changed), spring, revisions: applications });
        for (const path of reports.follow(world.entries)) live.replan(path);
        behind?.cancel();
        holdUntilMs ??= clock.now() + HOLD_MS;
        const isBehind = reports.isBehind || live.isBusy || revisions.pending > 0;
        const isHeld = known === undefined && clock.now() < holdUntilMs && isBehind;
        if (reports.isBehind || isHeld) behind = clock.after(reports.isBehind ? 1 : 10, () => takeUp(new Set()));
        if (isHeld || (world === known && !hasNewTypes)) return;
        known = world;
        latest.set(withReports(world, reports));
      };
      live.onChange(takeUp);
      try {
        for await (const world of latest.watch(signal)) if (world !== undefined) yield world;
      } finally {
        behind?.cancel();
        revisions.close();
        live.close();
        options.onFindings?.([]);
        await session.close();
      }
    },
  };
}

/** A node's data as text; undefined where there is no such node. Rejects with the session's own errors. */
function readText(session: ZooKeeperSession, path: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    if (pathFault(path) !== undefined) return resolve(undefined);
    session.submit({ op: "getData", path, watch: false }, ({ reply, error }) => {
      if (reply?.op === "getData") resolve(reply.data === null ? "" : new TextDecoder().decode(reply.data));
      else if (isZooKeeperError(error, "noNode")) resolve(undefined);
      else reject(error);
    });
  });
}

function withReports(world: World, { schemas, findings }: MetadataReports): World {
  if (schemas.length === 0 && findings.length === 0) return world;
  return Object.freeze({ ...world, schemas, findings: [...world.findings, ...findings] });
}

/** What a person should know of the nodes that a registry denies reading. */
function deniedFindings(name: string, chroot: string, root: string, paths: readonly string[]): readonly Finding[] {
  const findings: Finding[] = [];
  const remedy = "check username and password, and that the ACL gives them READ";
  if (paths.includes(root)) {
    const at = `${chroot}${root}`;
    const message = `registry ${name} denies reading its root ${at}; what was known of it stays as it was: ${remedy}`;
    findings.push(finding("TR0105", message, at));
  }
  const [first, ...others] = paths.filter((path) => path !== root);
  if (first !== undefined) {
    const at = `${chroot}${first}`;
    const more = others.length === 0 ? "" : ` and ${others.length} more`;
    findings.push(
      finding("TR0106", `registry ${name} denies reading ${at}${more}; what is there is not known: ${remedy}`, at),
    );
  }
  return findings;
}

/** With a slash in front and none at the end; the root itself is empty. */
function cleanPath(path: string, name: string): string {
  const cleaned = path.replace(/^\/*/, "/").replace(/\/+$/, "");
  const fault = cleaned === "" ? undefined : pathFault(cleaned);
  if (fault !== undefined) throw new ConfigError(name, `ZooKeeper ${name} ${path}: ${fault}`);
  return cleaned;
}
