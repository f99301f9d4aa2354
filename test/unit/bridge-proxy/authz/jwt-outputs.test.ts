import { describe, expect, test } from "vitest";
import {
  changesOf,
  compileOutputs,
  cookiesIn,
  namesOf,
  type TokenPlace,
} from "../../../../src/bridge-proxy/authz/jwt-outputs.ts";
import type { JwtProvider } from "../../../../src/codecs/xds/authz.ts";

const provider: JwtProvider = { issuer: "i", localJwks: { inlineString: "" }, forward: true };
const claimToHeaders = (...names: string[]) => names.map((claimName) => ({ headerName: `X-${claimName}`, claimName }));
const claims = {
  sub: "ann",
  n: 7,
  admin: true,
  list: ["a"],
  deep: { er: "x", "": 1 },
  "https://a.b/c": "dots",
  bad: "a\nb",
  long: "x".repeat(9_000),
};

describe("what a token says to callees", () => {
  const rows: [string, string, string | undefined][] = [
    ["a text", "sub", "ann"],
    ["a number", "n", "7"],
    ["a flag", "admin", "true"],
    ["a list, as JSON in base64", "list", Buffer.from('["a"]').toString("base64")],
    ["what is inside", "deep.er", "x"],
    ["a name with dots", "https://a.b/c", "dots"],
    ["nothing that is not there", "deep.other", undefined],
    ["nothing of prototypes", "constructor.name", undefined],
    ["nothing that would break a head", "bad", undefined],
    ["nothing that is too long", "long", undefined],
  ];
  test.each(rows)("%s", (_name, claim, value) => {
    const outputs = compileOutputs({ ...provider, claimToHeaders: claimToHeaders(claim) })!;
    const found = { token: "h.p.s", claims, taken: [] };
    const changes = changesOf(namesOf([outputs]), () => undefined, outputs, found);
    expect(changes?.set[0]?.[1]).toBe(value);
  });

  test("its payload as it stands, and the token itself is taken out where that is asked for", () => {
    const outputs = compileOutputs({ ...provider, forward: false, forwardPayloadHeader: "X-Payload" })!;
    const taken: TokenPlace[] = [{ kind: "header", name: "authorization" }];
    const found = { token: "head.payload.signature", claims, taken };
    expect(changesOf(namesOf([outputs]), () => undefined, outputs, found)).toEqual({
      set: [["x-payload", "payload"]],
      add: [],
      remove: ["authorization"],
    });
    expect(changesOf([], () => undefined, outputs, { ...found, taken: [] })?.remove).toEqual([]);
  });

  test("what callers wrote in its place is taken out, with and without a token", () => {
    const outputs = compileOutputs({ ...provider, claimToHeaders: claimToHeaders("sub") })!;
    const names = namesOf([outputs, undefined, outputs]);
    expect(names).toEqual(["x-sub"]);
    const spoofed = (name: string) => (name === "x-sub" ? "root" : undefined);
    expect(changesOf(names, spoofed, undefined, undefined)).toEqual({ set: [], add: [], remove: ["x-sub"] });
    expect(changesOf(names, () => undefined, undefined, undefined)).toBeUndefined();
  });
});

test.each([
  ["a=b; jwt=T; c=d=e", "a=b; c=d=e"],
  ["jwt=T;a=b", "a=b"],
  ["jwt=T; jwt=T", undefined],
])("of the cookies %j is left %j once the token is taken out", (cookie, left) => {
  const outputs = compileOutputs({ ...provider, forward: false })!;
  const taken: TokenPlace[] = [
    { kind: "cookie", name: "jwt" },
    { kind: "parameter", name: "t" },
  ];
  const header = (name: string) => (name === "cookie" ? cookie : undefined);
  expect(changesOf([], header, outputs, { token: "T", claims, taken })).toEqual({
    set: left === undefined ? [] : [["cookie", left]],
    add: [],
    remove: ["?t", "cookie"],
  });
});

test("cookies are told apart by semicolons, and names from values by the first equals sign", () => {
  expect([...cookiesIn("a=b;c=d=e ; f;=g; h=")]).toEqual([
    ["a", "b"],
    ["c", "d=e"],
    ["h", ""],
  ]);
});

test("an issuer that asks for none of it costs nothing", () => {
  expect(compileOutputs(provider)).toBeUndefined();
});
