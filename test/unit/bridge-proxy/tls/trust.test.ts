import { X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { Trust } from "../../../../src/bridge-proxy/tls/trust.ts";
import { createTestIntermediate, createTestLeaf, createTestRoot, revoke } from "../../../support/certificates.ts";

const root = createTestRoot();
const below = createTestIntermediate(root);
const other = createTestRoot("Another root");
const leaf = createTestLeaf(below);
const certificate = new X509Certificate(leaf.chain);
const between = new X509Certificate(below.pem);
const revoked = { kind: "revoked", message: "certificate revoked" };
const untrusted = { kind: "untrusted", message: "no root that is trusted now is above its certificate" };

const serialOf = (pem: string) => new X509Certificate(pem).serialNumber.toLowerCase();

describe("what speaks against the owner of a certificate whose handshake is over", () => {
  test.each<[string, readonly string[], readonly string[], object | undefined]>([
    ["nothing", [root.pem], [], undefined],
    ["nothing, with lists of others", [root.pem], [revoke(root), revoke(below, "0a0b")], undefined],
    ["nothing, where the list of its authority is missing", [root.pem], [revoke(root)], undefined],
    ["its number in its authority's list", [root.pem], [revoke(below, "0a0b", leaf.serial)], revoked],
    ["not its number in another authority's list", [root.pem], [revoke(root, leaf.serial)], undefined],
    ["its authority in the list of the one above", [root.pem], [revoke(root, serialOf(below.pem))], revoked],
    ["roots without its own", [other.pem], [], untrusted],
    ["not one root more", [other.pem, root.pem], [], undefined],
    ["an authority that is trusted without its root", [below.pem], [], untrusted],
    ["nothing without roots: those of Node hold", [], [], undefined],
    ["its number, also without roots", [], [revoke(below, leaf.serial)], revoked],
    ["its number in one of two lists", [root.pem], [revoke(below, leaf.serial), revoke(below)], revoked],
    [
      "nothing in what cannot be read",
      [root.pem],
      ["-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----"],
      undefined,
    ],
  ])("%s", (_name, roots, lists, fault) => {
    const trust = new Trust(roots, lists);
    expect(trust.fault(certificate, [between])).toEqual(fault);
    expect(trust.fault(certificate, [between])).toEqual(fault);
  });

  test("a chain that is not known, unless the authority is among the roots", () => {
    expect(new Trust([root.pem], []).fault(certificate, [])).toEqual(untrusted);
    expect(new Trust([root.pem, below.pem], []).fault(new X509Certificate(leaf.chain), [])).toBeUndefined();
  });

  test("an authority of the same name and another key is none above it", () => {
    const impostor = createTestIntermediate(root);
    expect(new Trust([root.pem], []).fault(certificate, [new X509Certificate(impostor.pem)])).toEqual(untrusted);
  });
});
