import { steadyClock } from "../../base/clock.ts";
import type { Logger } from "../../base/log.ts";
import type { Sink } from "../../registry-sync/contracts.ts";
import { type Controller, createController } from "../../registry-sync/controller.ts";
import type { TrestleConfig } from "../config/config.ts";
import type { DataFolder } from "./data-folder.ts";
import { type OpenRegistry, openRegistries } from "./registries/open.ts";
import { warnOutOfReach } from "./registry-status.ts";
import { controllerParts } from "./shaping.ts";
import { isOwn, OWNER } from "./sync.ts";

/** A registry that is out of reach for this time after the start is told of, ms; as `up` tells. */
const REACH_MS = 10_000;

/** What the registries of a role without facades and proxies are joined to. */
export interface SyncParts {
  readonly sinks: readonly Sink[];
  readonly data: DataFolder;
  /** As {@link openRegistries} takes them. */
  readonly onFindings: () => void;
  readonly secrets?: Parameters<typeof openRegistries>[4];
}

/** Registries that are open, and what is to run so that their entries come to the sinks. */
export interface OpenSync {
  readonly registries: readonly OpenRegistry[];
  readonly controller: Controller;
  close(): Promise<void>;
}

/** Opens the configured registries; nothing is read before the controller runs. */
export async function openSync(config: TrestleConfig, log: Logger, parts: SyncParts): Promise<OpenSync> {
  const { sinks, data, onFindings, secrets } = parts;
  const isOwnAddress = (address: string, port: number) => isOwn(config.proxy, address, port);
  const registries = await openRegistries(config, isOwnAddress, log, onFindings, secrets);
  const timer = setTimeout(() => warnOutOfReach(registries, log), REACH_MS).unref();
  const controller = createController({
    sources: registries.map(({ source }) => source),
    ...{ sinks, owner: OWNER, clock: steadyClock, logger: log },
    ...controllerParts(config),
    ...data.parts,
  });
  return {
    registries,
    controller,
    async close() {
      clearTimeout(timer);
      await Promise.all(registries.map(({ embedded }) => embedded?.close()));
    },
  };
}
