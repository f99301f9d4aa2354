import { type SampleConsumer, startSampleConsumer } from "../../src/cli/demo/consumer.ts";
import { ORDER_SERVICE } from "../../src/cli/demo/order-service.ts";
import { type SampleProvider, startSampleProvider } from "../../src/cli/demo/provider.ts";
import { followProviders, openZooKeeper, registerUrl } from "../../src/cli/dubbo/registry.ts";
import { sleep } from "./process.ts";

/** What became of the calls of {@link SampleTraffic} since it was last asked. */
export interface Outcome {
  readonly ok: number;
  readonly errors: readonly string[];
}

/** Our own sample providers and a consumer at registries, with calls going on all the time. */
export interface SampleTraffic {
  readonly consumer: SampleConsumer;
  readonly providers: readonly SampleProvider[];
  /** `host:port` of each address that the consumer is shown, sorted. */
  listed(): string[];
  /** Counts since the last time, when every call that was begun before has ended. */
  outcome(): Promise<Outcome>;
  close(): Promise<void>;
}

const PAUSE_MS = 5;
const CALLS_AT_ONCE = 4;

/** Starts providers v1 and v2 at `registry` and a consumer, which never tries again, at `consumerRegistry`. */
export async function startSampleTraffic(registry: string, consumerRegistry = registry): Promise<SampleTraffic> {
  const [providerSide, consumerSide] = [openZooKeeper(registry), openZooKeeper(consumerRegistry)];
  const providers: SampleProvider[] = [];
  for (const label of ["v1", "v2"]) {
    const register: Parameters<typeof startSampleProvider>[0]["register"] = (url) =>
      registerUrl(providerSide, "providers", url);
    providers.push(await startSampleProvider({ host: "127.0.0.1", port: 0, label, register }));
  }
  const consumer = await startSampleConsumer({
    application: "traffic",
    retries: 0,
    follow: (onList) => followProviders(consumerSide, ORDER_SERVICE, ["dubbo"], onList),
  });
  const inFlight = new Set<Promise<void>>();
  let ok = 0;
  let errors: string[] = [];
  let running = true;
  const call = async () => {
    try {
      await consumer.call("getOrder", [1n]);
      ok++;
    } catch (error) {
      errors.push((error as Error).message);
    }
  };
  const loop = (async () => {
    while (consumer.providers.length === 0 && running) await sleep(PAUSE_MS);
    while (running) {
      for (let i = 0; i < CALLS_AT_ONCE; i++) {
        const one = call().finally(() => inFlight.delete(one));
        inFlight.add(one);
      }
      await sleep(PAUSE_MS);
    }
  })();
  return {
    consumer,
    providers,
    listed: () => consumer.providers.map(({ host, port }) => `${host}:${port}`).sort(),
    async outcome() {
      await Promise.all([...inFlight]);
      const outcome = { ok, errors };
      ok = 0;
      errors = [];
      return outcome;
    },
    async close() {
      running = false;
      await loop;
      await Promise.all([...inFlight]);
      await consumer.close();
      await Promise.all(providers.map((provider) => provider.close()));
      await Promise.all([providerSide.close(), consumerSide.close()]);
    },
  };
}
