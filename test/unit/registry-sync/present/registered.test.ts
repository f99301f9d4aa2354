import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { InboundPlace } from "../../../../src/model/inbound.ts";
import { parseNodeName } from "../../../../src/registry-sync/dubbo/url.ts";
import { childAt } from "../../../../src/registry-sync/present/directory.ts";
import { registeredNode } from "../../../../src/registry-sync/present/registered.ts";

const roots = { roots: ["/dubbo"], instanceRoots: ["/services"] };
const identity = "cluster.local/ns/default/sa/orders";
const place = (port: number, protocol = "dubbo", to = port): InboundPlace => ({
  listen: { host: "10.0.0.5", port },
  to: { host: "10.77.0.3", port: to },
  protocol,
  identity,
});
const contextOf = (inbound: readonly InboundPlace[], takes = true) => ({ inbound, takes: () => takes });

/** A node as a real application wrote it. */
function recorded(file: string, below: RegExp): { readonly path: string; readonly data: Uint8Array } {
  const text = readFileSync(new URL(`../../../../fixtures/registry/${file}.json`, import.meta.url), "utf8");
  const { path, data } = (JSON.parse(text) as { path: string; data: unknown }[]).find((one) => below.test(one.path))!;
  return { path, data: Buffer.from(typeof data === "string" ? data : JSON.stringify(data)) };
}

function registered({ path, data }: { readonly path: string; readonly data: Uint8Array }, inbound: InboundPlace[]) {
  const child = childAt(path, roots)!;
  return registeredNode(child, { name: child.name, data }, contextOf(inbound));
}

test("a provider's URL of Dubbo 2.7 has the proxy's address and everything else as it was", () => {
  const node = recorded("zk-2.7.23-interface", /\/providers\/dubbo/);
  const reading = parseNodeName(childAt(node.path, roots)!.name);
  if (reading.type !== "url") throw new Error(reading.message);
  const { host, port, params } = reading.url;
  const { name } = registered(node, [{ ...place(20_890), to: { host, port } }]);
  const now = parseNodeName(name);
  const added = { "security.istio.io/tlsMode": "istio", "trestle.identity": identity };
  expect(now).toEqual({
    type: "url",
    url: { ...reading.url, host: "10.0.0.5", port: 20_890, params: Object.assign(Object.create(null), params, added) },
  });
});

test("an instance of Dubbo 3 is the proxy's where that has the provider's port, and else stays", () => {
  const node = recorded("zk-3.3.6-instance", /^\/services\/[^/]+\/[^/]+$/);
  const { address: host, port } = JSON.parse(Buffer.from(node.data).toString());
  const same = registered(node, [{ ...place(port), to: { host, port } }]);
  expect(same.name).toBe(`10.0.0.5:${port}`);
  expect(JSON.parse(Buffer.from(same.data!).toString())).toMatchObject({
    ...{ address: "10.0.0.5", port, id: `10.0.0.5:${port}` },
    payload: { metadata: { "trestle.identity": identity } },
  });
  const child = childAt(node.path, roots)!;
  expect(registered(node, [{ ...place(port + 1), to: { host, port } }]).name).toBe(child.name);
});

test("an instance of Spring Cloud keeps its name", () => {
  const node = recorded("zk-spring-2025.0", /^\/services\/svc-b\//);
  const { address: host, port } = JSON.parse(Buffer.from(node.data).toString());
  const now = registered(node, [{ ...place(8_081, "http"), to: { host, port } }]);
  expect(now.name).toBe(childAt(node.path, roots)!.name);
  expect(JSON.parse(Buffer.from(now.data!).toString())).toMatchObject({ address: "10.0.0.5", port: 8_081 });
});

test("what is not taken, is no provider's, or cannot be read stays the same object", () => {
  const node = recorded("zk-2.7.23-interface", /\/providers\/dubbo/);
  const child = childAt(node.path, roots)!;
  const known = { name: child.name, data: node.data };
  const here = [{ ...place(20_880), to: { host: "10.77.0.2", port: 20_880 } }];
  expect(registeredNode(child, known, contextOf(here, false))).toBe(known);
  expect(registeredNode(child, known, contextOf([]))).toBe(known);
  for (const path of ["/dubbo/a.B/providers/%zz", "/services/shop/x", "/dubbo/a.B/routers/x"]) {
    const odd = childAt(path, roots)!;
    const its = { name: odd.name, data: Buffer.from("{") };
    expect(registeredNode(odd, its, contextOf(here))).toBe(its);
  }
});

test("an instance of which the name alone is known is the proxy's where Dubbo would have named it so", () => {
  const of = (name: string, inbound: InboundPlace[], takes = true) =>
    registeredNode(childAt(`/services/shop/${name}`, roots)!, { name, data: null }, contextOf(inbound, takes)).name;
  expect(of("10.77.0.3:20880", [place(20_880)])).toBe("10.0.0.5:20880");
  expect(of("10.77.0.3:50051", [place(50_051, "tri")])).toBe("10.0.0.5:50051");
  expect(of("10.77.0.3:20880", [place(20_890, "dubbo", 20_880)])).toBe("10.77.0.3:20880");
  expect(of("10.77.0.3:20880", [place(20_880)], false)).toBe("10.77.0.3:20880");
  expect(of("10.77.0.3:8080", [place(8_080, "http")])).toBe("10.77.0.3:8080");
  expect(of("0b5a2d7e-0000-4000-8000-000000000001", [place(20_880)])).toBe("0b5a2d7e-0000-4000-8000-000000000001");
});
