import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import {
  type Consumer,
  type DubboLine,
  type JavaOptions,
  type ProviderOptions,
  startConsumer,
  startProvider,
} from "../support/dubbo.ts";
import { startGoConsumer, startGoProvider } from "../support/dubbo-go.ts";
import { type Mesh, startMesh } from "../support/mesh.ts";
import { hosts, requireNamespace } from "../support/netns.ts";
import { eventually, type Peer, sleep, stopAll } from "../support/process.ts";
import { openZnodes, type Znodes } from "../support/znodes.ts";

// Dubbo's application level through the ZooKeeper facade: whoever looks an application up finds the proxy in its place.
const INTERFACE = "com.acme.OrderService";
const FORCED = ["-Ddubbo.application.service-discovery.migration=FORCE_APPLICATION"];
const REMOTE: JavaOptions = { properties: ["-Ddubbo.application.metadata-type=remote"] };

let mesh: Mesh;
/** Past the facade. */
let real: Znodes;

beforeAll(async () => {
  requireNamespace();
  mesh = await startMesh();
  real = await openZnodes(mesh.outside);
});

afterAll(async () => {
  real?.close();
  await stopAll();
});

/** A provider whose group is its label, of an application of its own. */
function provider(
  line: DubboLine,
  label: string,
  more: Partial<ProviderOptions> = {},
  jvm: JavaOptions = {},
): Promise<Peer> {
  const place = { registry: mesh.inside, host: hosts.provider1, group: label, version: "1.0.0" };
  return startProvider(line, { ...place, label, application: `app-${label}`, ...more }, undefined, jvm);
}

function consumer(
  line: DubboLine,
  group: string,
  properties: readonly string[] = [],
  more: { readonly retries?: number } = {},
): Promise<Consumer> {
  return startConsumer(
    line,
    { registry: mesh.inside, group, version: "1.0.0", timeout: 5_000, check: false, ...more },
    properties,
  );
}

/** Makes ten calls of a group, which must come to the provider of that label by way of the proxies. */
async function carries(one: Consumer, label: string): Promise<void> {
  const ref = `to-${label}`;
  await one.refer(ref, { registry: mesh.inside, group: label, version: "1.0.0", timeout: 5_000 });
  const before = await mesh.carried();
  for (let i = 0; i < 10; i++) expect(await one.call("whoAmI", undefined, undefined, ref)).toMatchObject({ label });
  await eventually(`ten carried calls to ${label}`, async () => (await mesh.carried()) - before >= 10, 5_000);
}

describe("applications that are led, over dubbo and tri, with metadata of their own and in the metadata centre,", () => {
  const labels = ["dubbo33", "tri33", "dubbo32", "remote33"] as const;
  const peers: Peer[] = [];

  beforeAll(async () => {
    peers.push(
      ...(await Promise.all([
        provider("3.3", "dubbo33", { mode: "instance", port: 20880 }),
        provider("3.3", "tri33", { mode: "instance", protocol: "tri", port: 20890 }),
      ])),
    );
    peers.push(
      ...(await Promise.all([
        provider("3.2", "dubbo32", { mode: "instance", port: 20900 }),
        provider("3.3", "remote33", { mode: "all", port: 20910 }, REMOTE),
      ])),
    );
  }, 120_000);

  afterAll(async () => {
    await Promise.all(peers.map((peer) => peer.stop()));
  });

  test.each<[string, DubboLine, readonly string[]]>([
    ["3.3 FORCE_APPLICATION", "3.3", FORCED],
    ["3.3 by default", "3.3", []],
    ["3.2 FORCE_APPLICATION", "3.2", FORCED],
    ["2.7 at interface level", "2.7", []],
  ])("carry the calls of %s", async (_, line, properties) => {
    const one = await consumer(line, "dubbo33", properties);
    onTestFinished(() => one.stop());
    for (const label of labels) await carries(one, label);
  });

  test("each stands as one endpoint, whichever levels it registers at, and consumers see the proxies alone", async () => {
    const inside = await openZnodes(mesh.inside);
    onTestFinished(() => inside.close());
    for (const label of labels) {
      const shown = await inside.children(`/services/app-${label}`);
      expect(shown.map((name) => name.replace(/^[0-9a-f]{12}-/, "")).sort()).toEqual(
        [20880, 20881].map((port) => `${hosts.trestle}:${port}`),
      );
      const { body } = await mesh.trestle.get("/api/v1/services");
      const { services } = JSON.parse(body) as { services: { service: string; endpoints: number }[] };
      expect(services.find(({ service }) => service === `${label}/${INTERFACE}:1.0.0`)?.endpoints).toBe(1);
    }
    const [name] = await inside.children("/services/app-remote33");
    const data = JSON.parse((await inside.text(`/services/app-remote33/${name}`))!);
    const revision: string = data.payload.metadata["dubbo.metadata.revision"];
    const info = JSON.parse((await inside.text(`/dubbo/metadata/app-remote33/${revision}`))!);
    expect(info).toMatchObject({ app: "app-remote33", revision });
    expect(await real.text(`/dubbo/metadata/app-remote33/${revision}`)).toBeUndefined();
  });

  test("a router of the old world shows the real instances and none the proxies again, without a failed call", async () => {
    // 3.3 destroys the invokers of addresses that are gone under calls that have picked one ("This invoker has been destroyed!"), whoever
    // takes them off the list; its own retries, two by default, are what an application has against that.
    const one = await consumer("3.3", "dubbo33", FORCED, { retries: 1 });
    onTestFinished(() => one.stop());
    const loop = await one.loop({ methods: "getOrder", threads: 2, delay: 5 });
    const isCarried = async (): Promise<boolean> => {
      const before = await mesh.carried();
      await sleep(500);
      return (await mesh.carried()) - before > 20;
    };
    await eventually("carried calls", isCarried, 15_000);
    const router = `/dubbo/${INTERFACE}/routers/${encodeURIComponent(`script://0.0.0.0/${INTERFACE}?category=routers&dynamic=false&enabled=true&force=false&group=dubbo33&version=1.0.0&name=all&type=none&rule=x&runtime=false`)}`;
    await real.make(router);
    await eventually("calls past the proxies", async () => !(await isCarried()), 15_000);
    await real.remove(router);
    await eventually("carried calls again", isCarried, 20_000);
    expect((await loop.stop()).errors).toEqual([]);
  });
});

describe("dubbo-go at application level", () => {
  test.each(["dubbo", "tri"] as const)("calls and is called through the proxies over %s", async (protocol) => {
    const place = { protocol, group: `go-${protocol}`, version: "1.0.0" };
    const go = await startGoProvider({
      ...place,
      registry: mesh.outside,
      host: hosts.provider2,
      port: 20920,
      label: "go",
    });
    onTestFinished(async () => void (await go.stop()));
    const one = await startGoConsumer({ ...place, registry: mesh.inside, level: "instance", timeout: 5_000 });
    onTestFinished(() => one.stop());
    // Its subscription goes on after it says that it is ready.
    await eventually(
      "a first answer",
      async () => (await one.call("whoAmI").catch(() => undefined)) !== undefined,
      20_000,
    );
    // Lists that it was told of twice make it connect anew.
    await sleep(2_000);
    const before = await mesh.carried();
    for (let i = 0; i < 10; i++) expect(await one.call("whoAmI")).toMatchObject({ Label: "go" });
    await eventually("ten carried calls", async () => (await mesh.carried()) - before >= 10, 5_000);
  });
});
