import { expect, test } from "vitest";
import { domainsOf, meshRoutes, type PortService } from "../../../../../src/control/compile/envoy/port-routes.ts";
import type { ProtoJson } from "../../../../../src/control/compile/targets.ts";
import { entryOf } from "../../../../support/rule-cases.ts";

const route = (cluster: string) => ({ match: { prefix: "/" }, route: { cluster } });
const service = (key: string, protocol: "tri" | "http" = "http", port = 80): PortService => {
  const entry = entryOf(key, [`${protocol}://10.0.0.1:${port}`]);
  return { entry, port, protocol, routes: [route(entry.host)] };
};
const hostsOf = (services: readonly PortService[]) =>
  meshRoutes(services).map(({ port, routes }) => [
    port,
    ((routes.resource as ProtoJson)["virtualHosts"] as { domains: string[] }[]).map(({ domains }) => domains),
  ]);

test("each port has routes of its own, in order, and each service its names with and without the port", () => {
  expect(hostsOf([service("orders", "http", 8080), service("users")])).toEqual([
    [80, [["users", "users:80"]]],
    [8080, [["orders", "orders:8080"]]],
  ]);
});

test("the plain name of an interface is that of the only service, or of the one without group and version", () => {
  const one = service("com.acme.A:1.0.0");
  expect(hostsOf([one])).toEqual([[80, [["com.acme.a-1-0-0", "com.acme.a-1-0-0:80", "com.acme.a", "com.acme.a:80"]]]]);
  const two = service("com.acme.A:2.0.0");
  expect(domainsOf([one, two], 80).get(one.entry)).toEqual(["com.acme.a-1-0-0", "com.acme.a-1-0-0:80"]);
  const plain = service("com.acme.A");
  expect(domainsOf([one, plain], 80).get(plain.entry)).toEqual(["com.acme.a", "com.acme.a:80"]);
});

test("a service's virtual host is the same object while the service and its names are the same", () => {
  const hosts = (services: readonly PortService[]) =>
    (meshRoutes(services)[0]!.routes.resource as { readonly virtualHosts: readonly ProtoJson[] }).virtualHosts;
  const [one, two] = [service("com.acme.A:1.0.0"), service("users")];
  const [a, b] = hosts([one, two]);
  const [a2, b2] = hosts([one, two, service("com.acme.A:2.0.0")]);
  expect(a2!["domains"]).not.toEqual(a!["domains"]);
  expect(b2).toBe(b);
});

test("no domain stands twice", () => {
  const all = [service("com.acme.A:1.0.0"), service("com.acme.A"), service("COM.acme.A"), service("x/com.acme.A")];
  const domains = [...domainsOf(all, 80).values()].flat();
  expect(new Set(domains).size).toBe(domains.length);
});

test("Triple calls under another name are told apart by their path, and by group and version where there are several", () => {
  const byPath = (services: readonly PortService[]) =>
    (
      (meshRoutes(services)[0]!.routes.resource as ProtoJson)["virtualHosts"] as {
        name: string;
        domains: string[];
        routes: { match: object }[];
      }[]
    ).find(({ name }) => name === "by-path");
  expect(byPath([service("com.acme.A", "tri")])).toMatchObject({
    domains: ["*"],
    routes: [{ match: { prefix: "/com.acme.A/" } }],
  });
  expect(byPath([service("com.acme.A", "tri")])!.routes[0]!.match).not.toHaveProperty("headers");
  const matches = byPath([service("com.acme.A", "tri"), service("g/com.acme.A", "tri")])!.routes.map(
    ({ match }) => match,
  );
  expect(matches).toEqual([
    {
      prefix: "/com.acme.A/",
      headers: [
        { name: "tri-service-group", presentMatch: true, invertMatch: true },
        { name: "tri-service-version", presentMatch: true, invertMatch: true },
      ],
    },
    {
      prefix: "/com.acme.A/",
      headers: [
        { name: "tri-service-group", stringMatch: { exact: "g" } },
        { name: "tri-service-version", presentMatch: true, invertMatch: true },
      ],
    },
  ]);
  expect(byPath([service("users")])).toBeUndefined();
});

test("a further port of a service has its names", () => {
  const further = service("shop:9090", "tri", 9090);
  const entry = { ...further.entry, host: "shop:9090", portOf: "shop" };
  expect(domainsOf([{ entry }], 9090).get(entry)).toEqual(["shop", "shop:9090"]);
  const { virtualHosts } = meshRoutes([{ ...further, entry }, service("shop:2.0.0", "tri", 9090)])[0]!.routes
    .resource as { readonly virtualHosts: readonly ProtoJson[] };
  expect(virtualHosts[0]).toMatchObject({ name: "shop:9090", domains: ["shop", "shop:9090"] });
  const [byPath] = (virtualHosts.at(-1) as { readonly routes: readonly { readonly match: ProtoJson }[] }).routes;
  expect(byPath!.match["headers"]).toContainEqual({
    name: "tri-service-version",
    presentMatch: true,
    invertMatch: true,
  });
});
