import { type Clock, realClock } from "../../../base/clock.ts";
import { TransientError } from "../../../base/errors.ts";
import { type Logger, silentLogger } from "../../../base/log.ts";
import { pause } from "../../../base/pause.ts";
import type { EurekaFormat } from "../../../codecs/eureka/document.ts";
import type { InstanceChange } from "../../../codecs/eureka/mirror.ts";
import type { Finding, World } from "../../../model/entry.ts";
import type { Source, SourceStatus } from "../../contracts.ts";
import { finding } from "../../findings.ts";
import { createEurekaLink, type EurekaLink, type EurekaServer } from "./link.ts";
import { EurekaReader } from "./reader.ts";
import { createEurekaWorld } from "./world.ts";

/** Settings of {@link createEurekaSource}; everything but the first two has a default. */
export interface EurekaSourceOptions {
  /** The registry's name; origin of its endpoints. */
  readonly name: string;
  /** All of one cluster; not empty. */
  readonly servers: readonly EurekaServer[];
  /** `/eureka` unless told. */
  readonly path?: string;
  /** How often it is asked what changed, ms; 5 s unless told. */
  readonly intervalMs?: number;
  /** The zone of instances that say none. */
  readonly zone?: string;
  /** What answers are asked for in; JSON unless told. */
  readonly format?: EurekaFormat;
  readonly auth?: { readonly username: string; readonly password: string };
  /** Whether an address is one of Trestle's own; such an instance is refused. */
  readonly isOwnAddress?: (address: string, port: number) => boolean;
  /** Opens what asks the servers; over HTTP unless a test has it otherwise. */
  readonly openLink?: () => EurekaLink;
  /** Told whenever the registry answers again, and when it no longer does. */
  readonly onConnected?: (connected: boolean) => void;
  /** Told what keeps the registry from being read, whenever that changes; each time all of it. */
  readonly onFindings?: (findings: readonly Finding[]) => void;
  readonly clock?: Clock;
  readonly log?: Logger;
}

/** How often a registry is asked what changed unless told, ms. */
export const DEFAULT_INTERVAL_MS = 5_000;

/**
 * A Eureka registry as a source: all instances at first, then what changed, by asking every `intervalMs`; where the server's hash
 * says that something was missed, all of them again. While no server answers in a way that can be read it yields nothing.
 */
export function createEurekaSource(options: EurekaSourceOptions): Source {
  const { name, clock = realClock, log = silentLogger, intervalMs = DEFAULT_INTERVAL_MS } = options;
  const { onConnected = () => {}, onFindings = () => {} } = options;
  let state: SourceStatus["state"] = "connecting";
  let errors = 0;
  let lastError: string | undefined;
  return {
    name,
    status: () => ({ state, errors, ...(lastError !== undefined && { lastError }) }),
    async *watch(signal, onDisturbed = () => {}) {
      const link = (options.openLink ?? createEurekaLink)();
      const reader = new EurekaReader({
        servers: options.servers,
        path: options.path ?? "/eureka",
        format: options.format ?? "json",
        ...(options.auth !== undefined && { auth: options.auth }),
        ...{ link, clock, log },
      });
      const { isOwnAddress, zone } = options;
      const held = createEurekaWorld({
        name,
        ...(isOwnAddress && { isOwnAddress }),
        ...(zone !== undefined && { zone }),
      });
      const onAbort = () => link.close();
      signal.addEventListener("abort", onAbort, { once: true });
      let known: World | undefined;
      let isLost = false;
      const takeRound = async (): Promise<readonly InstanceChange[] | undefined> => {
        try {
          const changes = await reader.round();
          if (isLost) log.info("eureka answers again");
          if (isLost || known === undefined) onConnected(true);
          if (isLost) onFindings([]);
          isLost = false;
          state = "connected";
          if (reader.isRecovering) onDisturbed();
          return changes;
        } catch (error) {
          if (signal.aborted) return undefined;
          if (!(error instanceof TransientError)) throw error;
          onDisturbed();
          errors++;
          lastError = error.message;
          if (state === "connected") state = "lost";
          if (!isLost) {
            log.warn("eureka is out of reach; what it held stands", { reason: error.message });
            onConnected(false);
            if (/\(401\)|lets no list/.test(error.message))
              onFindings([finding("TR0105", `${name} may not be read: ${error.message}`, name)]);
          }
          isLost = true;
          return undefined;
        }
      };
      try {
        while (!signal.aborted) {
          const changes = await takeRound();
          if (signal.aborted) break;
          if (changes !== undefined) {
            const world = held.update(changes);
            if (world !== known) {
              known = world;
              yield world;
            }
          }
          await pause(clock, intervalMs, signal);
        }
      } finally {
        signal.removeEventListener("abort", onAbort);
        link.close();
        onFindings([]);
      }
    },
  };
}
