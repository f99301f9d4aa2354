import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import type { Entry } from "../../src/model/entry.ts";
import { fromServiceEntry, toServiceEntry } from "../../src/registry-sync/entries/service-entry.ts";
import { createShape } from "../../src/registry-sync/merge/shape.ts";
import { createNaming, NAMING_STYLES } from "../../src/registry-sync/naming/naming-styles.ts";
import { styleLabels } from "../../src/registry-sync/naming/style-labels.ts";
import { builtCrds } from "../support/go-peers.ts";
import { type Kubernetes, startKubernetes } from "../support/kubernetes.ts";
import { requireNamespace } from "../support/netns.ts";
import { eventually, stopAll } from "../support/process.ts";
import { endpoint, entry, world } from "../support/worlds.ts";

// What each naming style writes, given to a Kubernetes API server that has Istio's own definition of a ServiceEntry.
const NAME = "serviceentries.networking.istio.io";
const ENTRIES = "/apis/networking.istio.io/v1/namespaces/shop/serviceentries";

let kubernetes: Kubernetes;

beforeAll(async () => {
  requireNamespace();
  kubernetes = await startKubernetes();
  await kubernetes.must("POST", "/api/v1/namespaces", { metadata: { name: "shop" } });
  const definitions = parseAllDocuments(await readFile(builtCrds("istio"), "utf8")).map((one) => one.toJS());
  const definition = definitions.find((one) => one?.metadata?.name === NAME);
  await kubernetes.must("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition);
  await eventually(
    "the definition is served",
    async () => (await kubernetes.ask("GET", ENTRIES)).status === 200,
    60_000,
  );
}, 180_000);

afterAll(async () => {
  await kubernetes?.stop();
  await stopAll();
});

const params = { application: "orders", side: "provider", methods: "a,b", "dubbo.tag": "blue", lane: "v1" };
const dubbo = (origin: string) => [
  endpoint("10.1.0.1:20880", { origin, weight: 300, params: { ...params, interface: "com.acme.OrderService" } }),
  endpoint("10.1.0.2:20880", { origin, params: { ...params, interface: "com.acme.OrderService", zone: "a" } }),
];
const spring = (origin: string) => [
  endpoint("10.1.0.3:9001", { origin, protocol: "http", params: { version: "v1", zone: "zone-1", region: "r" } }),
];

/** Entries as registries of each kind have them. */
const registries = {
  zookeeper: [
    entry("g/com.acme.OrderService:1.0.0", dubbo("zookeeper")),
    entry("com.acme.Stock$Inner", dubbo("zookeeper")),
  ],
  nacos: [entry("g/com.acme.OrderService:1.0.0", dubbo("nacos")), entry("Order_Service", spring("nacos"))],
  eureka: [entry("order-service", spring("eureka")), entry("empty", [])],
} as const;

test.each(
  NAMING_STYLES.flatMap((style) =>
    (Object.keys(registries) as (keyof typeof registries)[]).map((scheme) => [style, scheme] as const),
  ),
)(
  "%s from %s: Istio's definition takes every object, nothing of it is dropped, and it is read back as it was written",
  async (style, scheme) => {
    const naming = style === "trestle" ? undefined : createNaming(style, { scheme });
    const shape = createShape({
      registry: scheme,
      ...(naming && { naming, labels: styleLabels(style, scheme, scheme) }),
    });
    const { entries } = shape.apply(world(scheme, ...(registries[scheme] as readonly Entry[])));
    expect(entries).toHaveLength(2);
    for (const one of entries) {
      const { metadata, ...rest } = toServiceEntry(one, "trestle", { style, schemeOf: () => scheme });
      const name = `${style}.${scheme}.${metadata.name}`.slice(0, 253);
      const object = { ...rest, metadata: { ...metadata, name } };
      const { status, body } = await kubernetes.ask("POST", `${ENTRIES}?fieldValidation=Strict`, object);
      expect([status, body["message"]], one.host).toEqual([201, undefined]);
      const stored = await kubernetes.must("GET", `${ENTRIES}/${encodeURIComponent(name)}`);
      expect(stored["spec"], one.host).toEqual(JSON.parse(JSON.stringify(rest.spec)));
      expect(stored["metadata"], one.host).toMatchObject({
        labels: metadata.labels,
        annotations: metadata.annotations,
      });
      expect(fromServiceEntry(stored)?.entry).toEqual(fromServiceEntry(object)?.entry);
    }
  },
);
