import type { DubboUrl } from "../../registry-sync/dubbo/url.ts";
import type { ProviderScheme } from "../dubbo/registry.ts";
import { listenDubbo } from "../dubbo/server.ts";
import { answerOrder, ORDER_METHODS, ORDER_SERVICE } from "./order-service.ts";
import { listenTriple, type TripleHandler } from "./triple-server.ts";

/** How a sample provider is run. */
export interface SampleProviderOptions {
  /** What it speaks, and nothing else; `dubbo` unless given. */
  readonly scheme?: ProviderScheme;
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

/** Starts a provider of the sample's order service and lists it. Rejects where either can't be done. */
export async function startSampleProvider(options: SampleProviderOptions): Promise<SampleProvider> {
  const calls = new Map<string, number>();
  const server = await listen(options, (method, descriptor, args) => {
    const name = method === "$invoke" && typeof args[0] === "string" ? args[0] : method;
    if (calls.has(name) || calls.size < 64) calls.set(name, (calls.get(name) ?? 0) + 1);
    return answerOrder(options.label, method, descriptor, args);
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
      server.sendReadonly?.();
      await new Promise((resolve) => setTimeout(resolve, DRAIN_MS));
      await server.close();
    },
  };
}

interface Listening {
  readonly port: number;
  sendReadonly?(): void;
  close(): Promise<void>;
}

function listen({ scheme, host, port }: SampleProviderOptions, answer: TripleHandler): Promise<Listening> {
  if (scheme === "tri") return listenTriple(host, port, answer);
  return listenDubbo({ host, port, handler: ({ method, descriptor, args }) => answer(method, descriptor, args) });
}

/** The URL that a provider of this service lists, with its keys in that order: of 2.7 for Dubbo2, of 3.3 for Triple. */
function providerUrl(options: SampleProviderOptions, port: number): DubboUrl {
  const group = options.group ?? ORDER_SERVICE.group;
  const version = options.version ?? ORDER_SERVICE.version;
  const isTriple = options.scheme === "tri";
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
    ...(isTriple ? { "prefer.serialization": "hessian2,fastjson2" } : {}),
    release: isTriple ? "3.3.6" : "2.7.23",
    ...(version === "" ? {} : { revision: version }),
    side: "provider",
    timestamp: String(Date.now()),
    ...(version === "" ? {} : { version }),
  };
  return { protocol: isTriple ? "tri" : "dubbo", host: options.host, port, path: ORDER_SERVICE.interface, params };
}
