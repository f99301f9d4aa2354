import { expect, test } from "vitest";
import { TransientError } from "../../../../src/base/errors.ts";
import { parsePem } from "../../../../src/codecs/x509/pem.ts";
import {
  type Authenticator,
  bearerToken,
  byCertificate,
  certificateIdentity,
  identify,
  MAX_TOKEN_CHARACTERS,
  serviceAccountIdentity,
} from "../../../../src/control/ca/callers.ts";
import { createTestLeaf, createTestRoot } from "../../../support/certificates.ts";

const orders = { trustDomain: "cluster.local", namespace: "shop", serviceAccount: "orders" };
const { signal } = new AbortController();
const root = createTestRoot();
const leafOf = (uri: string) => parsePem("CERTIFICATE", createTestLeaf(root, { uri }).chain)[0]!;
const way = (name: string, answer: typeof orders | undefined | Error): Authenticator => ({
  name,
  authenticate: async () => {
    if (answer instanceof Error) throw answer;
    return answer;
  },
});

test("the first way that proves a caller counts", async () => {
  const ways = [way("a", undefined), way("b", orders), way("c", { ...orders, serviceAccount: "other" })];
  expect(await identify(ways, { address: "" }, signal)).toEqual({ identity: orders, by: "b" });
  expect(await identify([way("a", undefined)], { address: "" }, signal)).toBeUndefined();
  expect(await identify([], { address: "" }, signal)).toBeUndefined();
});

test("a way that can't tell now is asked again later, unless another one proves the caller", async () => {
  const down = way("down", new TransientError("no answer"));
  await expect(identify([down, way("a", undefined)], { address: "" }, signal)).rejects.toThrow("no answer");
  expect(await identify([down, way("a", orders)], { address: "" }, signal)).toEqual({ identity: orders, by: "a" });
});

test("a token over the limit is shown to nobody", async () => {
  const token = "a".repeat(MAX_TOKEN_CHARACTERS + 1);
  expect(await identify([way("a", orders)], { address: "", token }, signal)).toBeUndefined();
});

const HEADERS: readonly (readonly [string | undefined, string | undefined])[] = [
  ["Bearer abc", "abc"],
  ["bearer  abc ", "abc"],
  ["Basic abc", undefined],
  ["Bearer", undefined],
  ["Bearer a b", undefined],
  ["", undefined],
  [undefined, undefined],
];

test.each(HEADERS)("the token of %j is %j", (header, token) => {
  expect(bearerToken(header)).toBe(token);
});

test("a certificate proves the one SPIFFE id in it, of the mesh's own trust domain", async () => {
  const certificate = leafOf("spiffe://cluster.local/ns/shop/sa/orders");
  const way = byCertificate("cluster.local", () => false);
  expect(await way.authenticate({ address: "", certificate }, signal)).toEqual(orders);
  expect(await way.authenticate({ address: "" }, signal)).toBeUndefined();
  const revoked = byCertificate("cluster.local", (der) => der === certificate);
  expect(await revoked.authenticate({ address: "", certificate }, signal)).toBeUndefined();
  expect(certificateIdentity(certificate, "other.org")).toBeUndefined();
  expect(certificateIdentity(leafOf("https://cluster.local/ns/shop/sa/orders"), "cluster.local")).toBeUndefined();
  expect(certificateIdentity(leafOf(""), "cluster.local")).toBeUndefined();
  expect(certificateIdentity(Buffer.from("no certificate"), "cluster.local")).toBeUndefined();
});

test("only service accounts of Kubernetes are identities", () => {
  expect(serviceAccountIdentity("system:serviceaccount:shop:orders", "cluster.local")).toEqual(orders);
  for (const user of [
    "orders",
    "system:node:a:b",
    "system:serviceaccount:shop",
    "system:serviceaccount:a:b:c",
    "system:serviceaccount::",
    7,
    undefined,
  ])
    expect(serviceAccountIdentity(user, "cluster.local")).toBeUndefined();
});
