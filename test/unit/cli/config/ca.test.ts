import { expect, test } from "vitest";
import { type RawCa, resolveCa } from "../../../../src/cli/config/ca.ts";

function resolved(raw: RawCa | undefined): {
  readonly ca: ReturnType<typeof resolveCa>["ca"];
  readonly faults: string[];
} {
  const faults: string[] = [];
  return { ...resolveCa(raw, (path, message) => faults.push(`${path}: ${message}`)), faults } as never;
}

test("without ca there is no authority, and an empty one has Istio's defaults", () => {
  expect(resolved(undefined)).toEqual({ faults: [] });
  expect(resolved({})).toEqual({
    faults: [],
    ca: {
      key: "ec",
      validityMs: 86_400_000,
      maxValidityMs: 90 * 86_400_000,
      overlapMs: 300_000,
      names: ["localhost", "127.0.0.1", "istiod.istio-system.svc", "istiod.istio-system"],
    },
  });
});

test("what is said is taken", () => {
  const { ca, faults } = resolved({
    certificates: "/c",
    key: "rsa",
    validity: "72h",
    maxValidity: "48h",
    overlap: "0s",
    revoked: "/r",
    listen: "0.0.0.0:15012",
    names: ["ca.shop"],
    tokens: "/t",
    kubernetes: {},
  });
  expect(faults).toEqual([]);
  expect(ca).toEqual({
    certificates: "/c",
    key: "rsa",
    validityMs: 172_800_000,
    maxValidityMs: 172_800_000,
    overlapMs: 0,
    revoked: "/r",
    listen: { host: "0.0.0.0", port: 15_012 },
    names: ["ca.shop"],
    tokens: "/t",
    kubernetes: { audiences: ["istio-ca"] },
  });
});

const WRONG: readonly (readonly [RawCa, string])[] = [
  [{ key: "dsa" }, 'ca.key: "dsa" is no kind of key; there are ec and rsa'],
  [{ validity: "1s" }, 'ca.validity: "1s" is no time from 300s to 2160h, such as 24h'],
  [{ maxValidity: "10000h" }, 'ca.maxValidity: "10000h" is no time from 300s to 2160h, such as 24h'],
  [{ overlap: "soon" }, 'ca.overlap: "soon" is no time from 0s to 2160h, such as 24h'],
  [{ listen: "15012" }, 'ca.listen: "15012" is no host:port to listen on, such as 0.0.0.0:15012'],
  [
    { kubernetes: { audiences: [] } },
    "ca.kubernetes.audiences: an audience is needed: tokens for others would be taken",
  ],
];

test.each(WRONG)("%j is a fault", (raw, fault) => {
  expect(resolved(raw).faults).toEqual([fault]);
});
