import { expect, test } from "vitest";
import { tripleResources } from "../../bench/worker.ts";

test("the worker gets a Triple listener, a route by method to each subset, and the provider in both", () => {
  const [listeners, routes, clusters, endpoints] = tripleResources(4001, 4002).map(({ resources }) => resources);
  expect(JSON.stringify(listeners)).toContain('"protocol":"tri","routeConfigName":"tri"');
  expect(JSON.stringify(routes)).toContain(
    '{"path":"/o.Orders/addOrder"},"route":{"cluster":"outbound|4002|v2|o.orders"}',
  );
  expect(JSON.stringify(routes)).toContain('{"prefix":"/"},"route":{"cluster":"outbound|4002|v1|o.orders"}');
  for (const subset of ["v1", "v2"]) {
    const name = `outbound|4002|${subset}|o.orders`;
    expect(clusters).toContainEqual(expect.objectContaining({ name }));
    expect(JSON.stringify(endpoints?.find((one) => one.name === name))).toContain('"portValue":4002');
  }
});
