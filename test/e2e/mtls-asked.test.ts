import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type AskedPlace, createReach, type Reach } from "../../src/cli/mesh/reach.ts";
import { askForDocument } from "../../src/cli/mesh/schemas/openapi-places.ts";
import { reflectEndpoint } from "../../src/cli/mesh/schemas/reflect-endpoint.ts";
import type { CarriedProtocol } from "../../src/codecs/xds/core.ts";
import type { Secret } from "../../src/codecs/xds/secret.ts";
import { inboundLabels } from "../../src/model/inbound.ts";
import { createTestLeaf, createTestRoot, secretsOf } from "../support/certificates.ts";
import { startGrpcServer } from "../support/grpc-peer.ts";
import { type StagedInbound, startInbound } from "../support/mtls-stage.ts";

// Providers behind an inbound proxy that takes mutual TLS only are asked for the types of their calls. Needs Node alone.

const LOOPBACK = "127.0.0.1";
const ORDERS = "cluster.local/ns/default/sa/orders";
const RELAY = "com.acme.Relay";
const root = createTestRoot();
const own = secretsOf(createTestLeaf(root, { uri: "spiffe://cluster.local/ns/default/sa/shop" }));
const open: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of open.reverse()) await close();
});

async function behind(port: number, protocol: CarriedProtocol): Promise<StagedInbound> {
  const secrets = secretsOf(createTestLeaf(root, { uri: `spiffe://${ORDERS}` }));
  const staged = await startInbound({ to: { address: LOOPBACK, port }, protocol, mtls: "STRICT", secrets });
  open.push(() => staged.proxy.close());
  return staged;
}

function reachOf(secrets: readonly Secret[]): Reach {
  return createReach([], () => secrets.map((resource) => ({ name: resource.name, version: "1", resource })));
}

const said = ({ address, port }: StagedInbound, identity?: string): AskedPlace => ({
  ...{ address, port },
  params: inboundLabels(identity === undefined ? {} : { identity }),
});

describe("a gRPC server's reflection", () => {
  let inbound: StagedInbound;
  beforeAll(async () => {
    const server = await startGrpcServer("one");
    open.push(() => server.kill());
    inbound = await behind(server.port, "tri");
  });

  test("is asked by mutual TLS where its address says that it takes that", async () => {
    expect(await reflectEndpoint(reachOf(own), said(inbound, ORDERS), RELAY)).toMatchObject({ type: "types" });
    expect(inbound.counter("tlsHandshakes")).toBe(1);
    expect(inbound.counter("tlsPlainRefused")).toBe(0);
  });

  test.each([
    ["nothing says so", reachOf(own), undefined, /takes mutual TLS only/],
    ["there is no certificate", reachOf([]), ORDERS, /takes mutual TLS only/],
    ["another one answers", reachOf(own), "cluster.local/ns/default/sa/stock", /who is not expected here/],
    ["roots are missing", reachOf(own.slice(0, 1)), ORDERS, /no TLS context/],
  ])("fails where %s", async (_, reach, identity, why) => {
    const answer = await reflectEndpoint(reach, said(inbound, identity), RELAY);
    expect(answer).toMatchObject({ type: "failed", why: expect.stringMatching(why) });
  });
});

describe("a REST service's OpenAPI document", () => {
  let inbound: StagedInbound;
  const seen: (string | undefined)[] = [];
  beforeAll(async () => {
    const server = createServer((request, response) => {
      seen.push(`${request.url} ${request.headers.host}`);
      if (request.url === "/moved") response.writeHead(302, { location: "/v3/api-docs" }).end();
      else if (request.url === "/slow") return;
      else if (request.url === "/large") response.end(Buffer.alloc(5 * 1024 * 1024, " "));
      else response.end('{"openapi": "3.0.1"}');
    });
    await once(server.listen(0, LOOPBACK), "listening");
    open.push(() => server.close().closeAllConnections());
    inbound = await behind((server.address() as AddressInfo).port, "http");
  });

  test("is asked for by mutual TLS", async () => {
    const at = said(inbound, ORDERS);
    const answer = await askForDocument(reachOf(own), at, "/v3/api-docs?group=é");
    expect(answer).toEqual({ type: "document", document: { openapi: "3.0.1" } });
    expect(seen).toEqual([`/v3/api-docs?group=%C3%A9 ${LOOPBACK}:${inbound.port}`]);
    expect(inbound.counter("tlsHandshakes")).toBe(1);
  });

  test.each([
    ["in plain text", undefined, "/v3/api-docs", /answers 403$/],
    ["of somebody else", "cluster.local/ns/default/sa/stock", "/v3/api-docs", /who is not expected here/],
    ["that is elsewhere", ORDERS, "/moved", /\/moved answers 302$/],
    ["that is too large", ORDERS, "/large", /answers more than 4194304 bytes$/],
    ["that does not come", ORDERS, "/slow", /no answer within 2000 ms$/],
  ])("fails %s", async (_, identity, path, why) => {
    const answer = await askForDocument(reachOf(own), said(inbound, identity), path);
    expect(answer).toMatchObject({ type: "failed", why: expect.stringMatching(why) });
  });
});
