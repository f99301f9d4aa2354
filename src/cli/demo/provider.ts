import type { DubboUrl } from "../../registry-sync/dubbo-url.ts";
import { listenDubbo } from "../dubbo/server.ts";
import { answerOrder, ORDER_METHODS, ORDER_SERVICE } from "./order-service.ts";

/** How a sample provider is run. */
export interface SampleProviderOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** What it calls itself in its answers, and parameter `label` of its URL, which subsets may select by. */
  readonly label: string;
  readonly group?: string;
  readonly version?: string;
  readonly application?: string;
  /** Lists the URL in a registry; what it gives takes it off again. */
  readonly register: (url: DubboUrl) => Promise<() => Promise<void>>;
}

/** A running sample provider. */
export interface SampleProvider {
  readonly url: DubboUrl;
  /** Calls by method so far. */
  readonly calls: ReadonlyMap<string, number>;
  /** As Dubbo shuts down: off the list, no new calls, those in flight end, then the connections close. */
  close(): Promise<void>;
}

const DRAIN_MS = 300;

/** Starts a Dubbo2 provider of the sample's order service and lists it. Rejects where either can't be done. */
export async function startSampleProvider(options: SampleProviderOptions): Promise<SampleProvider> {
  const calls = new Map<string, number>();
  const server = await listenDubbo({
    host: options.host,
    port: options.port,
    handler: ({ method, descriptor, args }) => {
      const name = method === "$invoke" && typeof args[0] === "string" ? args[0] : method;
      if (calls.has(name) || calls.size < 64) calls.set(name, (calls.get(name) ?? 0) + 1);
      return answerOrder(options.label, method, descriptor, args);
    },
  });
  const url = providerUrl(options, server.port);
  let unregister: () => Promise<void>;
  try {
    unregister = await options.register(url);
  } catch (error) {
    await server.close();
    throw error;
  }
  return {
    url,
    calls,
    async close() {
      await unregister();
      server.sendReadonly();
      await new Promise((resolve) => setTimeout(resolve, DRAIN_MS));
      await server.close();
    },
  };
}

/** The URL that a 2.7 provider of this service lists, with its keys in that order. */
function providerUrl(options: SampleProviderOptions, port: number): DubboUrl {
  const group = options.group ?? ORDER_SERVICE.group;
  const version = options.version ?? ORDER_SERVICE.version;
  const params: Record<string, string> = {
    anyhost: "true",
    application: options.application ?? "order-provider",
    deprecated: "false",
    dubbo: "2.0.2",
    dynamic: "true",
    generic: "false",
    ...(group === "" ? {} : { group }),
    interface: ORDER_SERVICE.interface,
    label: options.label,
    methods: ORDER_METHODS.join(","),
    pid: String(process.pid),
    release: "2.7.23",
    ...(version === "" ? {} : { revision: version }),
    side: "provider",
    timestamp: String(Date.now()),
    ...(version === "" ? {} : { version }),
  };
  return { protocol: "dubbo", host: options.host, port, path: ORDER_SERVICE.interface, params };
}
