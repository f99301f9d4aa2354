import { expect, test } from "vitest";
import { peerFrom } from "../../../../src/bridge-proxy/authz/peer.ts";
import { compileIdentities, vouchedPeer } from "../../../../src/bridge-proxy/authz/vouched.ts";

const WEB = "spiffe://cluster.local/ns/shop/sa/web";
const BATCH = "spiffe://cluster.local/ns/shop/sa/batch";

test("the narrowest range of an address counts; nobody else is anybody", () => {
  const identityOf = compileIdentities({ "10.0.0.0/8": WEB, "10.0.3.7": BATCH, "fd00::/16": BATCH, nonsense: WEB })!;
  expect(["10.0.3.7", "10.0.3.8", "11.0.0.1", "fd00::1", ""].map(identityOf)).toEqual([
    BATCH,
    WEB,
    undefined,
    BATCH,
    undefined,
  ]);
  expect(compileIdentities({ "10.0.0.0/8": WEB, "10.0.3.7": "" })!("10.0.3.7")).toBeUndefined();
  expect(compileIdentities({})).toBeUndefined();
  expect(compileIdentities(undefined)).toBeUndefined();
});

test("a peer without a certificate is whom its address stands for, the same object while that stays", () => {
  const peer = peerFrom("10.0.3.7");
  const identityOf = compileIdentities({ "10.0.3.7": BATCH })!;
  const vouched = vouchedPeer(peer, identityOf);
  expect(vouched).toEqual({ ...peer, spiffeId: BATCH });
  expect(vouchedPeer(peer, identityOf)).toBe(vouched);
  expect(vouchedPeer(peer, compileIdentities({ "10.0.3.7": BATCH, "10.0.0.1": WEB }))).toBe(vouched);
  expect(vouchedPeer(peer, compileIdentities({ "10.0.3.7": WEB }))).toMatchObject({ spiffeId: WEB });
  expect(vouchedPeer(peer, compileIdentities({ "10.0.0.1": WEB }))).toBe(peer);
  expect(vouchedPeer(peer, undefined)).toBe(peer);
});

test("a certificate counts before the address", () => {
  const known = peerFrom("10.0.3.7", { trustDomain: "cluster.local", namespace: "a", serviceAccount: "b" });
  expect(vouchedPeer(known, () => WEB)).toBe(known);
});
