import { Socket } from "node:net";
import { expect, test } from "vitest";
import { identify, peerFrom, peerOf } from "../../../../src/bridge-proxy/authz/peer.ts";

const identity = { trustDomain: "cluster.local", namespace: "shop", serviceAccount: "web" };

test("a connection is nobody's until somebody says whose it is", () => {
  const socket = new Socket();
  expect(peerOf(socket, "10.0.0.1")).toEqual(peerFrom("10.0.0.1"));
  expect(peerOf(socket, "10.0.0.1")).toMatchObject({ spiffeId: undefined, serverName: "", address: "10.0.0.1" });
  identify(socket, identity, "orders");
  expect(peerOf(socket, "10.0.0.1")).toMatchObject({
    spiffeId: "spiffe://cluster.local/ns/shop/sa/web",
    serverName: "orders",
  });
});

test("an address that is none is in no range", () => {
  expect(peerFrom("").ip).toBeUndefined();
  expect(peerFrom("::ffff:10.0.0.1").ip).toEqual(peerFrom("10.0.0.1").ip);
});

test("connections of which the same is known have one peer", () => {
  expect(peerFrom("10.0.0.1", identity, "orders")).toBe(peerFrom("10.0.0.1", identity, "orders"));
  const others = [peerFrom("10.0.0.1"), peerFrom("10.0.0.1", identity), peerFrom("10.0.0.2", identity, "orders")];
  for (const other of others) expect(other).not.toBe(peerFrom("10.0.0.1", identity, "orders"));
});

test("a connection of TLS is one of https", () => {
  const socket = Object.assign(new Socket(), { encrypted: true });
  expect([peerOf(socket, "10.0.0.1").scheme, peerOf(new Socket(), "10.0.0.1").scheme]).toEqual(["https", "http"]);
});
