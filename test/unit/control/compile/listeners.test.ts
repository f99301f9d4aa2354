import { expect, test } from "vitest";
import { compileListeners } from "../../../../src/control/compile/listeners.ts";

test("a node gets one listener for each of its addresses, all with the routes of Dubbo", () => {
  const listeners = compileListeners({
    id: "a",
    dubbo: [
      { address: "10.0.0.9", port: 20880 },
      { address: "::1", port: 20881 },
    ],
  });
  expect(listeners.map(({ name }) => name)).toEqual(["dubbo_10.0.0.9_20880", "dubbo_::1_20881"]);
  expect(listeners[1]).toEqual({
    name: "dubbo_::1_20881",
    address: { socketAddress: { address: "::1", portValue: 20881 } },
    metadata: { filterMetadata: { "io.trestle": { protocol: "dubbo", routeConfigName: "dubbo" } } },
  });
});

test("Triple's addresses have listeners of their own, with the same routes and the same callers", () => {
  const tags = { "a.B": { "10.0.0.1": "gray" } };
  const tri = [{ address: "10.0.0.9", port: 50051 }];
  const listeners = compileListeners({ id: "a", dubbo: [{ address: "10.0.0.9", port: 20880 }], tri, tags });
  expect(listeners.map(({ name, metadata }) => [name, metadata.filterMetadata["io.trestle"]])).toEqual([
    ["dubbo_10.0.0.9_20880", { protocol: "dubbo", routeConfigName: "dubbo", tags }],
    ["tri_10.0.0.9_50051", { protocol: "tri", routeConfigName: "dubbo", tags }],
  ]);
});

test("what consumers registered with stands in each listener", () => {
  const applications = { "10.0.0.1": "web" };
  const tags = { "a.B": { "10.0.0.1": "gray" } };
  const [listener] = compileListeners({ id: "a", dubbo: [{ address: "10.0.0.9", port: 20880 }], applications, tags });
  expect(listener?.metadata.filterMetadata["io.trestle"]).toEqual({
    protocol: "dubbo",
    routeConfigName: "dubbo",
    applications,
    tags,
  });
});

test("an HTTP address is for one service, or for all", () => {
  const http = [
    { address: "10.0.0.9", port: 31_000, service: "shop" },
    { address: "10.0.0.9", port: 8_080 },
  ];
  const facts = compileListeners({ id: "a", dubbo: [], http }).map(
    ({ metadata }) => metadata.filterMetadata["io.trestle"],
  );
  expect(facts).toEqual([
    { protocol: "http", routeConfigName: "dubbo", service: "shop" },
    { protocol: "http", routeConfigName: "dubbo" },
  ]);
});
