import { startEureka } from "../support/eureka.ts";
import { startNacos } from "../support/nacos.ts";
import { hosts } from "../support/netns.ts";
import { startZooKeeper } from "../support/zookeeper.ts";
import { EUREKA, NACOS, NACOS_STOCK, ZOOKEEPER } from "./registry-numbers.ts";
import { openEurekaStore, openNacosStore, openZooKeeperStore } from "./registry-stores.ts";
import type { BenchStore } from "./registry-world.ts";

/** A real server that holds a world of the bench. */
export interface BenchServer {
  /** As `--registry` and `--facade` have it. */
  readonly registry: string;
  readonly facade: string;
  open(): Promise<BenchStore>;
  stop(): Promise<void>;
}

/** What is measured of one registry, and for how long. */
export interface RegistryWorlds {
  readonly title: string;
  /** Services of the worlds that change, of 20 instances each, and for how long with calls. */
  readonly changing: readonly { readonly services: number; readonly changingMs: number }[];
  /** How long CPU time is taken without calls. */
  readonly quietMs: number;
  /** Worlds whose memory is looked at and before which Trestle is restarted. */
  readonly restart: readonly { readonly services: number; readonly instances: number }[];
}

const LARGE = [{ services: 10_000, instances: 10 }];
const growth = (mainMs: number) => [
  { services: 100, changingMs: 5_000 },
  { services: 1_000, changingMs: mainMs },
  { services: 5_000, changingMs: 5_000 },
];

/** About 12 minutes on a machine of two cores that does nothing else. */
const FULL: readonly RegistryWorlds[] = [
  { title: ZOOKEEPER, changing: growth(40_000), quietMs: 10_000, restart: LARGE },
  { title: NACOS_STOCK, changing: [{ services: 1_000, changingMs: 40_000 }], quietMs: 5_000, restart: [] },
  { title: NACOS, changing: growth(40_000), quietMs: 10_000, restart: LARGE },
  { title: EUREKA, changing: [], quietMs: 0, restart: LARGE },
];
const QUICK: readonly RegistryWorlds[] = [ZOOKEEPER, NACOS].map((title) => ({
  title,
  changing: [100, 1_000].map((services) => ({ services, changingMs: 10_000 })),
  quietMs: 5_000,
  restart: [{ services: 1_000, instances: 2 }],
}));

/** What the arguments choose: `quick` or all, `only=TITLE`, and as JSON what is other than there of each. */
export function chosenWorlds(args: readonly string[]): readonly RegistryWorlds[] {
  const only = args.find((arg) => arg.startsWith("only="))?.slice("only=".length);
  const other = args.find((arg) => arg.startsWith("{"));
  const all = args.includes("quick") ? QUICK : FULL;
  return all
    .filter(({ title }) => only === undefined || title === only)
    .map((worlds) => ({ ...worlds, ...(other === undefined ? {} : JSON.parse(other)) }));
}

/** Starts the registry of a title, empty. */
export async function startBenchServer({ title }: RegistryWorlds): Promise<BenchServer> {
  if (title === ZOOKEEPER) {
    const server = await startZooKeeper(hosts.registry, 2_181, { heapMb: 1_024 });
    return {
      registry: server.address,
      facade: `zookeeper://${hosts.trestle}:2181`,
      open: () => openZooKeeperStore(server),
      stop: () => server.stop(),
    };
  }
  if (title === EUREKA) {
    const server = await startEureka({ host: hosts.registry, heapMb: 1_024 });
    return {
      registry: `eureka://${server.host}:${server.port}/eureka`,
      facade: `eureka://${hosts.trestle}:8761`,
      open: async () => openEurekaStore(server),
      stop: () => server.stop(),
    };
  }
  const settings = title === NACOS_STOCK ? {} : { "nacos.naming.push.pushTaskDelay": 50 };
  const server = await startNacos(hosts.registry, { heapMb: 1_024, settings });
  return {
    registry: server.address,
    // Nacos listens at all addresses.
    facade: `nacos://${hosts.trestle}:18848`,
    open: () => openNacosStore(server),
    stop: () => server.stop(),
  };
}
